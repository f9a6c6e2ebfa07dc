package jobs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/internal/chat"
	"fanfare/queries"
)

const (
	// confirmWithin is how long a chat that has used a code waits for somebody to confirm it.
	confirmWithin = time.Hour
	// releaseWithin is how long a chat waits that another customer must release first.
	releaseWithin = 24 * time.Hour
	// linkWithin is how long a pairing that was used by its link waits for the worker that completes it.
	linkWithin = 15 * time.Minute
	// pairEvery is how often a worker looks for pairings that can be completed, pairAtOnce how many it completes then.
	pairEvery  = time.Second
	pairAtOnce = 100
	// pairTimeout bounds the completing of one pairing.
	pairTimeout = 10 * time.Second
	// maxChatName is how much is kept of what chats and people are called, in characters.
	maxChatName = 300
)

// claimAnswer is what becomes of a code or link that somebody has used in a chat.
type claimAnswer string

// The answers. Of those in the first group the chat has been told already, with what was done.
const (
	// claimPaired: the chat is a space of the customer now.
	claimPaired claimAnswer = "paired"
	// claimPairedBefore: the same chat has used it before, and was told then.
	claimPairedBefore claimAnswer = "paired_before"
	// claimWaitingConfirmation: an admin must confirm what the code has brought.
	claimWaitingConfirmation claimAnswer = "waiting_confirmation"
	// claimWaitingRelease: another customer has the chat, and must release it.
	claimWaitingRelease claimAnswer = "waiting_release"
	// claimDenied: it has been denied, or whoever made it may not pair chats any more.
	claimDenied claimAnswer = "denied"

	// claimInvalid: there is no such code or link, it has expired, or it has been used. Which of these, nobody is told.
	claimInvalid claimAnswer = "invalid"
	// claimThrottled: too many codes were tried in this chat, or in all of the bot's.
	claimThrottled claimAnswer = "throttled"
	// claimAlreadyYours: the chat is the customer's already. The code or link stays open.
	claimAlreadyYours claimAnswer = "already_yours"
)

// pairingWord is what somebody uses to pair a chat: the six digits that they type, or the token of the link that they follow.
// One of the two is set.
type pairingWord struct{ code, link string }

// claimPairing uses a code or link for a chat, in which the person used it. Codes are counted, whatever becomes of them, and a
// claim is one transaction of the customer that the pairing is of: used again by the same person in the same chat, it is
// answered as before.
//
// describe completes what the chat and the person are called, once the code or link has turned out to be one; nil: that is all there is.
//
// q is on the worker's pool, outside of a transaction.
func claimPairing(ctx context.Context, db *tenant.DB, q *queries.Queries, in chat.Chat, person chat.Person, word pairingWord,
	describe func(context.Context, chat.Chat, chat.Person) (chat.Chat, chat.Person),
) (claimAnswer, error) {
	customerID, id, answer, err := findPairing(ctx, q, in, person, word)
	if err != nil || answer != "" {
		return answer, err
	}
	holder, held, err := holderOf(ctx, q, in)
	if err != nil {
		return "", err
	}
	elsewhere := held && holder.CustomerID != customerID
	if describe != nil {
		in, person = describe(ctx, in, person)
	}
	request := tenant.Request{Operation: "claim_pairing"}
	err = db.TxRetry(ctx, tenant.Worker(customerID, request), func(ctx context.Context, tx *tenant.Tx) (err error) {
		answer, err = usePairing(ctx, queries.New(tx), id, in, person, word, held, elsewhere)
		return err
	})
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows): // erased at this moment
		return claimInvalid, nil
	case err != nil:
		return "", fmt.Errorf("claim pairing: %w", err)
	}
	if answer == claimWaitingRelease {
		if err := wantChat(ctx, db, q, in, customerID, request, true); err != nil {
			return "", err
		}
	}
	return answer, nil
}

// findPairing looks up what was used. An answer that is not empty ends it.
func findPairing(ctx context.Context, q *queries.Queries, in chat.Chat, person chat.Person, word pairingWord) (customerID, id uuid.UUID, answer claimAnswer, err error) {
	if word.link != "" {
		hash := sha256.Sum256([]byte(word.link))
		row, err := q.PairingFindByLink(ctx, queries.PairingFindByLinkParams{
			Platform: string(in.Platform), Bot: in.Bot, Team: in.Team, Kind: string(in.Kind), Chat: in.ID, Person: person.ID, LinkHash: hash[:],
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return uuid.Nil, uuid.Nil, claimInvalid, nil
		}
		if err != nil {
			return uuid.Nil, uuid.Nil, "", fmt.Errorf("look up link: %w", err)
		}
		return row.CustomerID, row.ID, "", nil
	}
	row, err := q.PairingFindByCode(ctx, queries.PairingFindByCodeParams{
		Platform: string(in.Platform), Bot: in.Bot, Team: in.Team, Kind: string(in.Kind), Chat: in.ID, Person: person.ID, Code: word.code,
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return uuid.Nil, uuid.Nil, claimInvalid, nil
	case err != nil:
		return uuid.Nil, uuid.Nil, "", fmt.Errorf("look up code: %w", err)
	case row.Throttled:
		return uuid.Nil, uuid.Nil, claimThrottled, nil
	}
	return row.CustomerID, row.ID, "", nil
}

// usePairing notes who has used a pairing, and completes one that needs nothing more. held says that the chat is somebody's,
// elsewhere that it is another customer's.
func usePairing(ctx context.Context, q *queries.Queries, id uuid.UUID, in chat.Chat, person chat.Person, word pairingWord, held, elsewhere bool) (claimAnswer, error) {
	row, err := q.PairingLock(ctx, id)
	if err != nil {
		return "", err
	}
	if row.State == "done" {
		return claimPairedBefore, nil
	}
	if row.State == "open" {
		if held && !elsewhere && (!row.Own || in.Kind != chat.User) { // else it is still to be known whose chat it is
			return claimAlreadyYours, nil
		}
		params := queries.PairingClaimParams{
			ID: id, ClaimedBy: "link", Team: in.Team, Kind: string(in.Kind), ExternalID: in.ID, Title: chatName(in.Title),
			PersonID: person.ID, PersonName: chatName(person.Name), HeldElsewhere: elsewhere, Wait: linkWithin,
		}
		if word.link == "" {
			params.ClaimedBy, params.Wait = "code", confirmWithin
		}
		if elsewhere {
			params.Wait = releaseWithin
		}
		claimed, err := q.PairingClaim(ctx, params)
		if err != nil || claimed == 0 {
			return claimInvalid, err // it has expired meanwhile
		}
		if row, err = q.PairingLock(ctx, id); err != nil {
			return "", err
		}
	}
	if row.State == "claimed" && !row.Over && !row.HeldElsewhere && row.ClaimedBy == "link" {
		if row.State, row.HeldElsewhere, err = complete(ctx, q, id, row); err != nil {
			return "", err
		}
	}
	switch {
	case row.State == "done":
		return claimPaired, nil
	case row.State == "denied":
		return claimDenied, nil
	case row.State != "claimed" || row.Over:
		return claimInvalid, nil
	case row.HeldElsewhere:
		return claimWaitingRelease, nil
	}
	return claimWaitingConfirmation, nil
}

// complete makes the chat of a claimed pairing a space of its customer, or finds that another customer has it, or that whoever
// made the pairing may not pair any more. It gives the pairing's state then, and whether the chat is held elsewhere.
func complete(ctx context.Context, q *queries.Queries, id uuid.UUID, row queries.PairingLockRow) (state string, elsewhere bool, err error) {
	if !row.MayPair {
		return "denied", row.HeldElsewhere, q.PairingDenied(ctx, id)
	}
	newID, err := uuid.NewV7()
	if err != nil {
		return "", false, fmt.Errorf("make id: %w", err)
	}
	if err := q.SpaceCreate(ctx, queries.SpaceCreateParams{
		ID: newID, Platform: row.Platform, Bot: row.Bot, Team: row.Team, Kind: row.Kind, ExternalID: row.ExternalID,
		Title: row.Title, Permissions: row.Permissions, PairedBy: row.CreatedBy,
	}); err != nil {
		return "", false, err
	}
	spaceID, err := q.SpaceOfChat(ctx, queries.SpaceOfChatParams{Platform: row.Platform, Bot: row.Bot, Team: row.Team, Kind: row.Kind, ExternalID: row.ExternalID})
	if errors.Is(err, pgx.ErrNoRows) {
		return "claimed", true, q.PairingHeld(ctx, queries.PairingHeldParams{ID: id, Wait: releaseWithin})
	}
	if err != nil {
		return "", false, err
	}
	personID, err := uuid.NewV7()
	if err != nil {
		return "", false, fmt.Errorf("make id: %w", err)
	}
	if err := q.SpacePersonEnter(ctx, queries.SpacePersonEnterParams{ID: personID, SpaceID: spaceID, ExternalID: row.PersonID, Name: row.PersonName}); err != nil {
		return "", false, err
	}
	// In a group, whoever followed the link first is anybody.
	if row.Own && row.Kind == string(chat.User) {
		identityID, err := uuid.NewV7()
		if err != nil {
			return "", false, fmt.Errorf("make id: %w", err)
		}
		if err := q.ChatIdentitySet(ctx, queries.ChatIdentitySetParams{
			ID: identityID, Platform: row.Platform, Bot: row.Bot, Team: row.Team, ExternalID: row.PersonID, UserID: row.CreatedBy,
		}); err != nil {
			return "", false, err
		}
	}
	return "done", false, q.PairingDone(ctx, queries.PairingDoneParams{ID: id, SpaceID: &spaceID})
}

// completePairings completes the pairings of all customers that can be: what a code has brought is confirmed, and whoever else
// had the chat has released it.
func (w *Worker) completePairings(ctx context.Context) error {
	ready, err := timed(ctx, pairTimeout, func(ctx context.Context) ([]queries.PairingListReadyRow, error) {
		return w.q.PairingListReady(ctx, pairAtOnce)
	})
	if err != nil {
		return fmt.Errorf("look for pairings: %w", err)
	}
	var all error
	for _, r := range ready {
		_, err := timed(ctx, pairTimeout, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, w.completePairing(ctx, r.CustomerID, r.ID)
		})
		if err != nil && !errors.Is(err, tenant.ErrNotFound) {
			all = errors.Join(all, fmt.Errorf("complete pairing %s: %w", r.ID, err))
		}
	}
	return errors.Join(all, ctx.Err())
}

func (w *Worker) completePairing(ctx context.Context, customerID, id uuid.UUID) error {
	request := tenant.Request{Operation: "complete_pairing"}
	var row queries.PairingLockRow
	var elsewhere bool
	err := w.db.TxRetry(ctx, tenant.Worker(customerID, request), func(ctx context.Context, tx *tenant.Tx) (err error) {
		q := queries.New(tx)
		elsewhere = false
		if row, err = q.PairingLock(ctx, id); err != nil {
			return err
		}
		if row.State != "claimed" || row.Over || row.ClaimedBy == "code" && !row.Confirmed {
			return nil // somebody else was first
		}
		_, elsewhere, err = complete(ctx, q, id, row)
		return err
	})
	if err != nil || !elsewhere {
		return err
	}
	in := chat.Chat{Platform: chat.Platform(row.Platform), Bot: row.Bot, Team: row.Team, Kind: chat.Kind(row.Kind), ID: row.ExternalID}
	return wantChat(ctx, w.db, w.q, in, customerID, request, true)
}

// holderOf tells whose a chat is.
func holderOf(ctx context.Context, q *queries.Queries, in chat.Chat) (holder queries.ChatHolderRow, held bool, err error) {
	holder, err = q.ChatHolder(ctx, queries.ChatHolderParams{Platform: string(in.Platform), Bot: in.Bot, Team: in.Team, Kind: string(in.Kind), Chat: in.ID})
	if errors.Is(err, pgx.ErrNoRows) {
		return holder, false, nil
	}
	if err != nil {
		return holder, false, fmt.Errorf("look up whose a chat is: %w", err)
	}
	return holder, true, nil
}

// wantChat says to whoever has a chat that another customer, by, wants it, or does not any more. They are not told who.
func wantChat(ctx context.Context, db *tenant.DB, q *queries.Queries, in chat.Chat, by uuid.UUID, request tenant.Request, wanted bool) error {
	holder, held, err := holderOf(ctx, q, in)
	if err != nil || !held || holder.CustomerID == by {
		return err
	}
	err = db.TxRetry(ctx, tenant.Worker(holder.CustomerID, request), func(ctx context.Context, tx *tenant.Tx) error {
		return queries.New(tx).SpaceWanted(ctx, queries.SpaceWantedParams{ID: holder.SpaceID, Wanted: wanted})
	})
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return fmt.Errorf("say that a chat is wanted: %w", err)
	}
	return nil
}

// chatName is what a chat or somebody in it is called, as Postgres keeps it.
func chatName(text string) string {
	return clipRunes(strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd"), maxChatName)
}
