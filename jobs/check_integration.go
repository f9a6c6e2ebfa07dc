package jobs

import (
	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

// CheckIntegrationArgs name a connected account whose platform is to be asked whether it works.
type CheckIntegrationArgs struct {
	CustomerID    uuid.UUID `json:"customer_id"`
	IntegrationID uuid.UUID `json:"integration_id"`
}

// Kind is the job's name in the queue.
func (CheckIntegrationArgs) Kind() string { return "check_integration" }

// InsertOpts are the job's defaults. An account is checked once at a time.
func (CheckIntegrationArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: oneAtATime}
}
