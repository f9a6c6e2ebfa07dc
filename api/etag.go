package api

import (
	"net/http"
	"strconv"
	"strings"
)

// Condition is the condition under which a change is made: the version that the caller has seen. Without it
// the change is made to whatever version is there.
type Condition struct {
	IfMatch string `header:"If-Match" maxLength:"200" pattern:"^[ \\t]*(\\*|(W/)?\"[^\"]*\")[ \\t]*$" patternDescription:"one ETag as it stands in an earlier answer, with its quotes" doc:"The ETag of the version that you have seen. If the thing has changed since, nothing happens and the answer is 412."`
}

// etag is a version as an ETag.
func etag(version int64) string { return `"v` + strconv.FormatInt(version, 10) + `"` }

// noVersion is the version of nothing: they are counted from 1.
const noVersion = 0

// version is the version that the caller has seen, nil when any will do. An ETag that is not one of ours is
// that of no version, so nothing matches it (RFC 9110, section 13.1.1).
func (c Condition) version() *int64 {
	value := strings.Trim(c.IfMatch, " \t")
	if value == "" || value == "*" {
		return nil
	}
	version, err := strconv.ParseInt(strings.Trim(value, `"v`), 10, 64)
	if err != nil || etag(version) != value {
		version = noVersion
	}
	return &version
}

// check compares the version that the caller has seen with the one that is there.
func (c Condition) check(current int64) error {
	if seen := c.version(); seen != nil && *seen != current {
		return stale()
	}
	return nil
}

func stale() *Problem {
	return problem(http.StatusPreconditionFailed,
		"It has been changed since you read it. Nothing was changed; read it again, then repeat your change.")
}

// change runs a change of the version that the caller has seen, and explains why it changed nothing: there is
// no such thing, which exists tells, or the caller may not, or the version has moved. The last is only said to
// whoever could have made the change (RFC 9110, section 13.2.1), which is found out by making it: the caller
// of this rolls it back as for any error.
func (c Condition) change(change func(version *int64) (int64, error), exists func() error) error {
	version := c.version()
	changed, err := change(version)
	if err != nil || changed > 0 {
		return err
	}
	if err := exists(); err != nil {
		return err
	}
	if version == nil {
		return forbidden()
	}
	changed, err = change(nil)
	if err != nil {
		return err
	}
	if changed == 0 {
		return forbidden()
	}
	return stale()
}
