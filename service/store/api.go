package store

import (
	"context"
	"io"
	"time"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// api lists the methods of *Store while they are being written.
//
// Constructors:
//
//	func MasterKeyFile(path string) (MasterKey, error)           // 0600, made on first start, refused when more open
//	func ParseMasterKey(text string) (MasterKey, error)          // of an environment variable: 43 characters base64url
//	func MasterKeyFrom(ctx, KeyStore, name string) (MasterKey, error)
//	func NewMasterKey() (MasterKey, error)
//	type Options struct { Dir, URL string; Master MasterKey; Now func() time.Time; Log *slog.Logger }
//	func Open(ctx, Options) (*Store, error)
//	func Rekey(ctx, Options, next MasterKey) error               // service stopped; run again after a crash
//	func Reindex(ctx, Options) error                             // service stopped; run again after a crash
type api interface {
	io.Closer
	// Ready reports whether the database answers, for /readyz.
	Ready(ctx context.Context) error
	// Janitor deletes what is over its time; call it every minute on any node.
	Janitor(ctx context.Context) error
	// Backup writes two sealed streams in one snapshot; keep only the newest keys.
	Backup(ctx context.Context, data, keys io.Writer) error
	// Restore fills an empty database. Accounts without a key stay erased.
	Restore(ctx context.Context, data, keys io.Reader) error

	// CreateTicket keeps payload sealed for TicketLife behind a code.
	CreateTicket(ctx context.Context, p Purpose, payload []byte, code account.Code) (account.ID, error)
	// ConsumeTicket: payload once for the right code; ErrCode, ErrNotFound. Not inside Idempotent.
	ConsumeTicket(ctx context.Context, p Purpose, ticket account.ID, code account.Code) ([]byte, error)
	// CreateAccount: ErrConflict if e-mail, key or device exists.
	CreateAccount(ctx context.Context, n NewAccount) (AccountID, error)
	// AccountByEmail: ErrNotFound.
	AccountByEmail(ctx context.Context, e account.Email) (AccountID, error)

	// Credential: ErrNotFound also if revoked.
	Credential(ctx context.Context, device account.ID) (Credential, error)
	// PutAttempt keeps the state of a login sealed for AttemptLife.
	PutAttempt(ctx context.Context, id account.ID, state []byte) error
	// TakeAttempt gives the state once. Not inside Idempotent.
	TakeAttempt(ctx context.Context, id account.ID) ([]byte, error)

	// CreateSession begins a session of generation 0; ErrNotFound if the device is revoked.
	CreateSession(ctx context.Context, device account.ID, id account.ID, chain account.Chain) (Session, error)
	// Session: ErrNotFound, ErrRevoked.
	Session(ctx context.Context, id account.ID) (Session, error)
	// Authorize decides about a request and advances seq. Code "" means proceed.
	Authorize(ctx context.Context, a account.Authorization, method, path string, body []byte) (Session, account.ErrorCode, error)
	// Rotate decides and stores. After RotationCopied the session is ended and in the audit. Not inside Idempotent.
	Rotate(ctx context.Context, p account.RotationProof, rid account.ID) (Rotated, error)
	EndSession(ctx context.Context, id account.ID) error
	// EndSessions ends those of a device of the account; ErrNotFound.
	EndSessions(ctx context.Context, a AccountID, device account.ID) error
	Sessions(ctx context.Context, a AccountID) ([]account.SessionInfo, error)

	// Devices: newest list and info (Current is left to the caller).
	Devices(ctx context.Context, a AccountID) (account.Devices, error)
	// DeviceLists are the lists above version, oldest first.
	DeviceLists(ctx context.Context, a AccountID, above uint64) ([]account.DeviceList, error)
	// PutDevices: ErrConflict unless it follows by one; an added entry needs its
	// credential. Revoked devices lose credential and sessions at once.
	PutDevices(ctx context.Context, a AccountID, p account.DevicesPut) (revoked []account.ID, err error)
	LabelDevice(ctx context.Context, a AccountID, device account.ID, l account.Label) error

	Me(ctx context.Context, a AccountID) (account.Me, error)
	SetName(ctx context.Context, a AccountID, n account.Name) error
	SetFindable(ctx context.Context, a AccountID, on bool) error
	Vault(ctx context.Context, a AccountID) (account.Vault, error)
	// PutVault: ErrConflict unless the version is the next.
	PutVault(ctx context.Context, a AccountID, v account.Vault) error

	Contacts(ctx context.Context, a AccountID) ([]Contact, error)
	Peers(ctx context.Context, a AccountID) ([]Peer, error)
	// CreateInvite: ErrLimit at MaxInvites, ErrConflict.
	CreateInvite(ctx context.Context, a AccountID, h account.Hash) error
	RevokeInvite(ctx context.Context, a AccountID, h account.Hash) error
	Invites(ctx context.Context, a AccountID) (open uint32, err error)
	// AcceptInvite uses the link up; ErrNotFound.
	AcceptInvite(ctx context.Context, a AccountID, id wire.InviteID, proof account.Hash) (c Contact, peer AccountID, err error)
	// CreateAsk never tells whether anybody has the address.
	CreateAsk(ctx context.Context, a AccountID, e account.Email) error
	Asks(ctx context.Context, a AccountID) ([]account.Ask, error)
	// Answer consumes the ask; ErrNotFound. The contact is set for accept alone; tell the peer for accept alone.
	Answer(ctx context.Context, a AccountID, handle account.ID, ans account.Answer) (c Contact, peer AccountID, err error)
	RemoveContact(ctx context.Context, a AccountID, handle account.ID) (peer AccountID, err error)
	Block(ctx context.Context, a AccountID, handle account.ID) (peer AccountID, err error)

	// EnrollRecovery replaces the kit.
	EnrollRecovery(ctx context.Context, a AccountID, r account.RecoveryEnroll) error
	Recovery(ctx context.Context, a AccountID) (account.SealedKey, error)
	// ConfirmSession marks a recovery session as confirmed by mail.
	ConfirmSession(ctx context.Context, id account.ID) error

	OpenLink(ctx context.Context) (account.LinkOpened, error)
	// PutLink: ErrNotFound, ErrConflict if the seq was used.
	PutLink(ctx context.Context, p account.LinkPut) error
	// LinkMessages does not wait.
	LinkMessages(ctx context.Context, g account.LinkGet) ([]account.LinkMessage, error)

	// Quota counts one use in all limits or in none; ok false: wait. Only a keyed hash of key is kept. Not inside Idempotent.
	Quota(ctx context.Context, key string, limits ...Limit) (ok bool, wait time.Duration, err error)
	// Idempotent runs fn and keeps its answer in one transaction, which the
	// methods called with fn's ctx join; a second call gets the kept answer. An
	// error keeps nothing. fn must tell nobody anything before this returns.
	Idempotent(ctx context.Context, session, key account.ID, fn func(ctx context.Context) ([]byte, error)) (answer []byte, again bool, err error)
	Audit(ctx context.Context, a AccountID, e Event, detail string) error

	// Export is everything about the account, as JSON.
	Export(ctx context.Context, a AccountID) ([]byte, error)
	// Erase removes everything about the account and its data key.
	Erase(ctx context.Context, a AccountID) (Erased, error)
}
