package workspace

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a path.
const (
	MaxPath       = 1024 // bytes
	MaxName       = 255  // bytes of a component
	MaxComponents = 32
)

// reserved is the directory in every workspace that is Fanfare's own.
const reserved = ".fanfare"

// CheckPath checks the path of a file in a workspace, and returns it as it is: relative, of components that are separated by
// single slashes. *PathError for all others.
func CheckPath(path string) (string, error) {
	refuse := func(reason string) (string, error) { return "", &PathError{Reason: reason} }
	switch {
	case path == "":
		return refuse("is empty")
	case len(path) > MaxPath:
		return refuse(fmt.Sprintf("is longer than %d bytes", MaxPath))
	case strings.HasPrefix(path, "/"):
		return refuse("begins with a slash")
	case !utf8.ValidString(path):
		return refuse("is not valid UTF-8")
	case strings.ContainsFunc(path, unprintable):
		return refuse("has a backslash, a control character, or one that changes the direction of text")
	case strings.Count(path, "/") >= MaxComponents:
		return refuse(fmt.Sprintf("has more than %d components", MaxComponents))
	}
	for name := range strings.SplitSeq(path, "/") {
		switch {
		case name == "":
			return refuse("has an empty component")
		case name == "." || name == "..":
			return refuse(`has a component "." or ".."`)
		case len(name) > MaxName:
			return refuse(fmt.Sprintf("has a component of more than %d bytes", MaxName))
		}
	}
	if first, _, _ := strings.Cut(path, "/"); isReserved(first) {
		return refuse("begins with " + reserved + ", which is reserved")
	}
	return path, nil
}

// isReserved tells whether a name is, on any disk, that of the reserved directory: some take upper and lower case for the same,
// some skip characters that are not seen, some drop dots and spaces at the end.
func isReserved(name string) bool {
	seen := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, name)
	return strings.EqualFold(strings.TrimRight(seen, ". "), reserved)
}

// unprintable tells whether a character is refused in names: it would forge what people see, or is a separator somewhere.
func unprintable(r rune) bool {
	return r == '\\' || unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// printable is how a name on the disk is shown: as it is if a path may have it, else with escapes. Two names are never shown
// alike, and what has escapes is never a path, because it has a backslash.
func printable(name string) string {
	if utf8.ValidString(name) && !strings.ContainsFunc(name, unprintable) {
		return name
	}
	var b strings.Builder
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, name[0])
		case r == '\\':
			b.WriteString(`\\`)
		case unprintable(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteString(name[:size])
		}
		name = name[size:]
	}
	return b.String()
}

// ComparePaths orders paths as List, Search and Walk do: component by component, by their bytes. A directory comes right
// before what is in it.
func ComparePaths(a, b string) int {
	for {
		nameA, restA, moreA := strings.Cut(a, "/")
		nameB, restB, moreB := strings.Cut(b, "/")
		switch {
		case nameA != nameB:
			return strings.Compare(nameA, nameB)
		case !moreA && !moreB:
			return 0
		case !moreA:
			return -1
		case !moreB:
			return 1
		}
		a, b = restA, restB
	}
}

// ancestors are the directories above a path, the highest first.
func ancestors(path string) (dirs []string) {
	for i, c := range path {
		if c == '/' {
			dirs = append(dirs, path[:i])
		}
	}
	return dirs
}

// join is the path of a name in a directory; "." and "" are the top.
func join(dir, name string) string {
	if dir == "" || dir == "." {
		return name
	}
	return dir + "/" + name
}
