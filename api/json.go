package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// jsonFormat is how bodies are read and written. encoding/json replaces broken Unicode without a word; a text
// that is going to be published is refused instead.
var jsonFormat = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshalJSON}

var (
	errBrokenUnicode = errors.New("broken Unicode")
	errDuplicateName = errors.New("a name stands twice in one object")
)

func unmarshalJSON(data []byte, v any) error {
	if !utf8.Valid(data) || brokenSurrogates(data) {
		return errBrokenUnicode
	}
	if err := json.Unmarshal(data, v); err != nil {
		return err
	}
	// Of two values with one name the validator would see one and the decoder could keep parts of both.
	return uniqueNames(json.NewDecoder(bytes.NewReader(data)))
}

// uniqueNames reads one value, which is known to be well formed, and refuses objects that repeat a name.
func uniqueNames(decoder *json.Decoder) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	opening, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	names := map[string]bool{}
	for decoder.More() {
		if opening == '{' {
			name, err := decoder.Token()
			if err != nil {
				return err
			}
			text, _ := name.(string)
			if names[text] {
				return errDuplicateName
			}
			names[text] = true
		}
		if err := uniqueNames(decoder); err != nil {
			return err
		}
	}
	_, err = decoder.Token() // the end of the object or list
	return err
}

// brokenSurrogates tells whether JSON text holds half of a surrogate pair.
func brokenSurrogates(data []byte) bool {
	for {
		at := bytes.IndexByte(data, '\\')
		if at < 0 || at+1 >= len(data) {
			return false
		}
		data = data[at:]
		first, ok := escaped(data)
		switch {
		case !ok:
			data = data[2:] // \n, \" and the like; a malformed one is for the decoder to refuse
		case !utf16.IsSurrogate(first):
			data = data[6:]
		default:
			second, ok := escaped(data[6:])
			if !ok || utf16.DecodeRune(first, second) == utf8.RuneError {
				return true
			}
			data = data[12:]
		}
	}
}

// escaped reads \uXXXX at the beginning of data.
func escaped(data []byte) (rune, bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	code, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	return rune(code), err == nil
}
