package vault

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// ErrContext says that a Context lacks a part. It is a mistake of the caller, never of the data.
var ErrContext = errors.New("vault: incomplete context")

// associatedDataVersion names the encoding below. A change of the encoding takes a new version, a
// fallback to the old one in Unseal, and a run of the job that re-encrypts.
const associatedDataVersion = "fanfare.vault.v1"

// Installation stands in a Context where a secret belongs to the installation and to no customer. It is the
// database's tenancy.installation_id() too.
var Installation = uuid.MustParse("fa0fa0e0-0000-7000-8000-000000000000")

// Context says which secret a sealed value is. It is bound to the ciphertext but not stored in it:
// the caller must know it again to unseal. All four parts are required, and compared byte for byte.
type Context struct {
	CustomerID    uuid.UUID
	IntegrationID uuid.UUID
	// Platform is the name of the platform, such as "linkedin".
	Platform string
	// Field is the name of the secret within the integration, such as "refresh_token".
	Field string
}

// The names of secrets. They are bound to what is stored, and so can never change.
const (
	credentialField      = "credential"
	authorizationField   = "authorization"
	connectSessionField  = "connect_session"
	invitationField      = "invitation_token"
	agentTokenKeyField   = "agent_token_key"
	oldCredentialField   = "old_credential" //nolint:gosec // a name and no credential
	webhookSecretField   = "webhook_secret"
	botCredentialField   = "bot_credential"   //nolint:gosec // a name and no credential
	spaceCredentialField = "space_credential" //nolint:gosec // a name and no credential
	mcpRegistrationField = "mcp_registration"
	riverSessionField    = "river_session"
	answerField          = "answer to " // and the operation and the key

	// ours stands where a secret is not of a platform.
	ours = "fanfare"
)

// The contexts of all that is stored sealed, one for each column of the database. A new one gets a
// function here, a line in tenancy.sealed_columns() and one in jobs/reseal.go.

// Credential is the context of integrations.credential.
func Credential(customerID, integrationID uuid.UUID, platform string) Context {
	return Context{CustomerID: customerID, IntegrationID: integrationID, Platform: platform, Field: credentialField}
}

// Authorization is the context of authorizations.credential.
func Authorization(customerID, authorizationID uuid.UUID, platform string) Context {
	return Context{CustomerID: customerID, IntegrationID: authorizationID, Platform: platform, Field: authorizationField}
}

// ConnectSession is the context of connect_sessions.secret.
func ConnectSession(customerID, sessionID uuid.UUID, platform string) Context {
	return Context{CustomerID: customerID, IntegrationID: sessionID, Platform: platform, Field: connectSessionField}
}

// InvitationToken is the context of invitations.sealed_token.
func InvitationToken(customerID, invitationID uuid.UUID) Context {
	return Context{CustomerID: customerID, IntegrationID: invitationID, Platform: ours, Field: invitationField}
}

// WebhookSecret is the context of webhook_secrets.sealed.
func WebhookSecret(customerID, secretID uuid.UUID) Context {
	return Context{CustomerID: customerID, IntegrationID: secretID, Platform: ours, Field: webhookSecretField}
}

// BotCredential is the context of bots.credential.
func BotCredential(customerID, botID uuid.UUID, platform string) Context {
	return Context{CustomerID: customerID, IntegrationID: botID, Platform: platform, Field: botCredentialField}
}

// SpaceCredential is the context of credentials.credential.
func SpaceCredential(customerID, credentialID uuid.UUID) Context {
	return Context{CustomerID: customerID, IntegrationID: credentialID, Platform: ours, Field: spaceCredentialField}
}

// MCPRegistration is the context of mcp_servers.registration.
func MCPRegistration(customerID, serverID uuid.UUID) Context {
	return Context{CustomerID: customerID, IntegrationID: serverID, Platform: ours, Field: mcpRegistrationField}
}

// AgentTokenKey is the context of agent_token_keys.sealed.
func AgentTokenKey(id uuid.UUID) Context {
	return Context{CustomerID: Installation, IntegrationID: id, Platform: ours, Field: agentTokenKeyField}
}

// OldCredential is the context of old_credentials.credential. It belongs to the installation: several customers may
// use it.
func OldCredential(id uuid.UUID, platform string) Context {
	return Context{CustomerID: Installation, IntegrationID: id, Platform: platform, Field: oldCredentialField}
}

// RiverSession is the context of the cookie with which a browser looks at the queue, which is stored nowhere here.
func RiverSession() Context {
	return Context{CustomerID: Installation, IntegrationID: Installation, Platform: ours, Field: riverSessionField}
}

// Answer is the context of idempotency_keys.answer. within is the customer that was asked in, or
// Installation for what is asked in none, such as to make one.
func Answer(within uuid.UUID, operation, key string) Context {
	return Context{CustomerID: within, IntegrationID: Installation, Platform: ours, Field: answerField + operation + " " + key}
}

// associatedData encodes c so that no two contexts share an encoding: the version, then each part in
// order, every one preceded by its length in bytes as a big-endian uint32.
func (c Context) associatedData() ([]byte, error) {
	switch {
	case c.CustomerID == uuid.Nil:
		return nil, fmt.Errorf("%w: no customer id", ErrContext)
	case c.IntegrationID == uuid.Nil:
		return nil, fmt.Errorf("%w: no integration id", ErrContext)
	case c.Platform == "":
		return nil, fmt.Errorf("%w: no platform", ErrContext)
	case c.Field == "":
		return nil, fmt.Errorf("%w: no field", ErrContext)
	}
	parts := [...]string{
		associatedDataVersion,
		string(c.CustomerID[:]),
		string(c.IntegrationID[:]),
		c.Platform,
		c.Field,
	}
	var encoded []byte
	for _, part := range parts {
		encoded = binary.BigEndian.AppendUint32(encoded, uint32(len(part)))
		encoded = append(encoded, part...)
	}
	return encoded, nil
}
