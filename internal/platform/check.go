package platform

import (
	"fmt"
	"slices"
	"strings"
)

// Violation is one rule of a platform that a post breaks.
type Violation struct {
	// Field is what breaks it: "text", "title", "media", "media[1]", "options.thread[0].text".
	Field string `json:"field" example:"text"`
	// Rule names the rule: "required", "too_long", "too_many", "too_few", "too_large", "too_small", "unsupported", "invalid", "mixed", "unknown".
	Rule string `json:"rule" enum:"required,too_long,too_many,too_few,too_large,too_small,unsupported,invalid,mixed,unknown" example:"too_long"`
	// Limit and Actual are in the rule's unit: characters as the platform counts them, files, bytes, pixels, seconds. 0 where there is none.
	Limit  int64 `json:"limit,omitempty" doc:"What is allowed: characters as the platform counts them, files, bytes, pixels or seconds."`
	Actual int64 `json:"actual,omitempty" doc:"What it has, in the same unit."`
	// Message says it to people: what is wrong, by how much, and what to do.
	Message string `json:"message"`
}

// Price is what the platform charges for a post.
type Price struct {
	// Currency is a code of ISO 4217.
	Currency string `json:"currency" example:"USD"`
	// Amount is a decimal number.
	Amount string `json:"amount" example:"0.015"`
}

// Report is what Check finds.
type Report struct {
	// Length is the text's length as the platform counts it, Limit the longest it takes.
	Length int `json:"length" doc:"The text's length, counted as the platform counts it."`
	Limit  int `json:"limit" doc:"The longest that it takes."`
	// Parts are the lengths of a thread's further posts, each with the same limit.
	Parts []int `json:"parts,omitempty" nullable:"false" doc:"The lengths of the further posts of a thread."`
	// Price is what publishing costs at the platform; nil where it is free.
	Price      *Price      `json:"price,omitempty" doc:"What the platform charges for it."`
	Violations []Violation `json:"violations" nullable:"false"`
}

// violate adds a violation.
func (r *Report) violate(field, rule string, limit, actual int64, format string, args ...any) {
	r.Violations = append(r.Violations, Violation{Field: field, Rule: rule, Limit: limit, Actual: actual, Message: fmt.Sprintf(format, args...)})
}

// Check holds a post against the rules of its platform, all of them at once, and asks nobody. Adapters refuse what it finds fault
// with before they send anything; so can a platform, for reasons that only it knows.
func Check(name Name, post Post) Report {
	r := Report{Violations: []Violation{}}
	for _, option := range post.Options.given() {
		if !slices.Contains(optionFields[name], option) {
			r.violate("options."+option, "unsupported", 0, 0, "%s has no %s. Leave it out.", name.Title(), option)
		}
	}
	slices.SortFunc(r.Violations, func(a, b Violation) int { return strings.Compare(a.Field, b.Field) })
	switch name {
	case Twitter:
		checkTwitter(&r, post)
	case LinkedIn:
		checkLinkedIn(&r, post)
	case Facebook:
		checkFacebook(&r, post)
	case Mailchimp:
		checkMailchimp(&r, post)
	case Ghost:
		checkGhost(&r, post)
	default:
		r.violate("platform", "unknown", 0, 0, "There is no such platform.")
	}
	return r
}

// refuseInvalid is the error for a post that breaks a rule of its platform; nil if it breaks none.
func refuseInvalid(name Name, post Post) *Error {
	report := Check(name, post)
	if len(report.Violations) == 0 {
		return nil
	}
	first := report.Violations[0]
	return &Error{Class: Invalid, Code: first.Rule, Message: first.Message}
}
