package api

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// Page is a part of a list, newest first unless it says otherwise.
type Page[T any] struct {
	Items      []T     `json:"items" nullable:"false" doc:"The things on this page."`
	NextCursor *string `json:"next_cursor" doc:"Give it as cursor to get the next page; null on the last one."`
}

// PageQuery is how a page is asked for.
type PageQuery struct {
	Limit  int32  `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many things at most."`
	Cursor string `query:"cursor" maxLength:"100" doc:"next_cursor of the page before."`
}

// list names what a cursor is for, so that one of another list is refused rather than misread.
type list byte

const (
	listOfCustomers list = iota + 1
	listOfMembers
	listOfCampaigns
	listOfPosts
	listOfIntegrations
	listOfJobs
	listOfAPIKeys
	listOfAgentTokens
	listOfExports
	listOfErasures
	listOfInvitations
	listOfAudit
	listOfReviews
	listOfMedia
	listOfEmailTemplates
	listOfWebhooks
	listOfWebhookDeliveries
	listOfRecurringPosts
	listOfCredentials
	listOfMCPServers
	listOfUsage
	listOfSpaces
	listOfSpacePeople
	listOfChatIdentities
	listOfPairings
	listOfMessages
	listOfMemories
	listOfWorkspaces
	listOfInstallationWorkspaces
	listOfFiles
	listOfBackups
	listOfRestores
	listOfDrills
	listOfCalendar
	listOfReport
	listOfPostsByTime
)

func badCursor() *Problem {
	return invalid("query.cursor", "is not a cursor of this list; use next_cursor of the page before, or leave it out")
}

// more is how many rows to ask for: one beyond the page tells whether there is another.
func (p PageQuery) more() int32 { return p.Limit + 1 }

// before is the id before which the page begins, the largest there is on the first page.
func (p PageQuery) before(of list) (uuid.UUID, error) { return p.id(of, uuid.Max) }

// after is the id after which the page begins, the smallest there is on the first page.
func (p PageQuery) after(of list) (uuid.UUID, error) { return p.id(of, uuid.Nil) }

// id reads a cursor: the list that it is for, then the id of the last thing on the page before.
func (p PageQuery) id(of list, first uuid.UUID) (uuid.UUID, error) {
	if p.Cursor == "" {
		return first, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || len(raw) != 1+len(first) || raw[0] != byte(of) {
		return first, badCursor()
	}
	return uuid.UUID(raw[1:]), nil
}

func cursorOf(of list, id uuid.UUID) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{byte(of)}, id[:]...))
}

// timeCursor reads a cursor of a list that is in the order of a time and an id, to the microsecond as Postgres has it.
func timeCursor(of list, cursor string) (after time.Time, id uuid.UUID, err error) {
	if cursor == "" {
		return time.Time{}, uuid.Nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) != 9+len(id) || raw[0] != byte(of) {
		return after, id, badCursor()
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(raw[1:]))), uuid.UUID(raw[9:]), nil
}

func cursorOfTime(of list, at time.Time, id uuid.UUID) string {
	raw := binary.BigEndian.AppendUint64([]byte{byte(of)}, uint64(at.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(raw, id[:]...))
}

// queryID reads an id by which a list is filtered, nil where there is none.
func queryID(location, text string) (*uuid.UUID, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // that is no filter
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return nil, invalid(location, "must be a UUID")
	}
	return &id, nil
}

// page maps rows to a page: at most limit of them, and a cursor if there are more.
func page[R, T any](rows []R, limit int32, convert func(R) (T, error), cursor func(R) string) (Page[T], error) {
	result := Page[T]{Items: make([]T, 0, min(len(rows), int(limit)))}
	for i, row := range rows {
		if i == int(limit) {
			next := cursor(rows[i-1])
			result.NextCursor = &next
			break
		}
		item, err := convert(row)
		if err != nil {
			return Page[T]{}, err
		}
		result.Items = append(result.Items, item)
	}
	return result, nil
}

// pageOutput is the answer that holds a page.
type pageOutput[T any] struct{ Body Page[T] }
