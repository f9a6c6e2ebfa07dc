package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/internal/telemetry"
	"fanfare/internal/vault"
	"fanfare/queries"
)

const (
	// moveEvery is how often a worker looks for moves of old credentials whose time is over, or nearly so.
	moveEvery = time.Hour
	// moveAhead is how long before its deadline an unfinished move is warned of.
	moveAhead = 14 * 24 * time.Hour
)

// foundCredential is what tenancy.find_credential has answered for an account.
type foundCredential struct {
	customerID, integrationID uuid.UUID
	platform                  string
	// sealed is nil where there is no credential.
	sealed []byte
	// oldID is the old credential that sealed is, zero where it is the account's own; it can be had until deadline.
	oldID    uuid.UUID
	deadline time.Time
}

// credentialOpener opens what jobs need to act for an account.
type credentialOpener struct {
	db    *tenant.DB
	vault *vault.Vault
	log   *slog.Logger
}

// open gives the plain credential. An old one is made the account's own by the way, so that the account does not need
// the old way again; that this fails does no harm. version is the account's after that, nil where it has not changed.
func (o credentialOpener) open(ctx context.Context, scope tenant.Scope, found foundCredential) (plain []byte, version *int64, err error) {
	if found.oldID == uuid.Nil {
		plain, err = o.vault.Unseal(found.sealed, o.own(found))
		return plain, nil, err
	}
	log := o.log.With("customer_id", found.customerID, "integration_id", found.integrationID, "platform", found.platform)
	log.WarnContext(ctx, "an account lives by an old credential", "deadline", found.deadline)
	telemetry.OldCredentialUse(ctx, found.platform)
	plain, err = o.vault.Unseal(found.sealed, vault.OldCredential(found.oldID, found.platform))
	if err != nil {
		return nil, nil, err
	}
	version, err = o.move(ctx, scope, found, plain)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		err = nil // it has its own by now
	case err != nil:
		log.WarnContext(ctx, "the old credential could not be made the account's own; the next use tries again", "error", err)
		err = nil
	default:
		log.InfoContext(ctx, "the old credential is the account's own now")
	}
	return plain, version, err
}

func (o credentialOpener) own(found foundCredential) vault.Context {
	return vault.Credential(found.customerID, found.integrationID, found.platform)
}

// move seals the credential for the account and stores it, if the account still has none.
func (o credentialOpener) move(ctx context.Context, scope tenant.Scope, found foundCredential, plain []byte) (*int64, error) {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	sealed, keyID, err := o.vault.SealWithID(plain, o.own(found))
	if err != nil {
		return nil, err
	}
	var version int64
	err = o.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		version, err = queries.New(tx).IntegrationMoveCredential(ctx, queries.IntegrationMoveCredentialParams{
			ID: found.integrationID, OldCredentialID: &found.oldID, Credential: sealed, KeyID: &keyID,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &version, nil
}

// endCredentialMoves closes the old way where its time is over, and warns where it soon will be.
func (w *Worker) endCredentialMoves(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ended, err := w.q.CredentialMoveEndDue(ctx)
	if err != nil {
		return fmt.Errorf("end moves of old credentials: %w", err)
	}
	for _, m := range ended {
		w.deps.Log.WarnContext(ctx, "the time of old credentials is over; accounts that have not moved must be reconnected",
			"customer_id", m.CustomerID, "move_id", m.MoveID, "accounts", m.LeftBehind)
	}
	ending, err := w.q.CredentialMoveWarn(ctx, moveAhead)
	if err != nil {
		return fmt.Errorf("look for moves of old credentials that end soon: %w", err)
	}
	for _, m := range ending {
		w.deps.Log.WarnContext(ctx, "the time of old credentials ends soon, and accounts still live by them",
			"customer_id", m.CustomerID, "move_id", m.MoveID, "deadline", m.Deadline, "accounts", m.LeftToMove)
	}
	return nil
}
