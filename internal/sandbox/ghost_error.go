package sandbox

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"
)

// ghostError is a refusal in Ghost's shape.
type ghostError struct {
	status   int
	kind     string
	code     string // "" is null
	message  string
	context  string
	property string
	details  any
}

func ghostRefusal(status int, kind, code, message string) *ghostError {
	return &ghostError{status: status, kind: kind, code: code, message: message}
}

func ghostNotFound(message string) *ghostError {
	return ghostRefusal(http.StatusNotFound, "NotFoundError", "", message)
}

// ghostInvalid is Ghost's answer to a field that breaks a rule.
func ghostInvalid(property, context string) *ghostError {
	return &ghostError{
		status: http.StatusUnprocessableEntity, kind: "ValidationError", property: property,
		message: "Validation error, cannot save post.", context: context,
	}
}

func (e *ghostError) answer() answer {
	return ghostAnswer(e.status, map[string]any{"errors": []any{map[string]any{
		"message": e.message, "context": nullable(e.context), "type": e.kind, "details": e.details,
		"property": nullable(e.property), "help": nil, "code": nullable(e.code), "id": uuid.NewString(), "ghostErrorCode": nil,
	}}})
}

func nullable(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func ghostAnswer(status int, body any) answer {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // maps of plain values only
	}
	return answer{status: status, body: encoded, header: http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "Content-Version": {"v" + ghostVersion},
	}}
}

// ghostFault answers a Fault of kind FaultStatus the way Ghost fails with that status.
func ghostFault(f Fault) answer {
	kinds := map[int]string{
		400: "BadRequestError", 401: "UnauthorizedError", 403: "NoPermissionError", 404: "NotFoundError",
		409: "UpdateCollisionError", 413: "RequestEntityTooLargeError", 422: "ValidationError", 429: "TooManyRequestsError",
		501: "NotImplementedError", 503: "MaintenanceError",
	}
	codes := map[int]string{401: "INVALID_JWT", 409: "UPDATE_COLLISION"}
	kind := f.ErrorType
	if kind == "" {
		kind = kinds[f.Status]
	}
	if kind == "" {
		kind = "InternalServerError"
	}
	return f.dress(ghostRefusal(f.Status, kind, codes[f.Status], "Ordered by a sandbox fault.").answer())
}
