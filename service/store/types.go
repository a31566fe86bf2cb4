package store

import (
	"errors"
	"time"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// Errors that callers act on; compare with errors.Is. Everything else is a
// failure of the database: answer "unavailable".
var (
	// ErrNotFound: there is no such row, it expired, was used up, or is none of
	// this account's business.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict: something else is there already, or came first.
	ErrConflict = errors.New("store: conflict")
	// ErrCode: the code is wrong; a try was used up.
	ErrCode = errors.New("store: the code is wrong")
	// ErrRevoked: the session was ended before its time.
	ErrRevoked = errors.New("store: the session was ended")
	// ErrLimit: as many as are allowed are there already.
	ErrLimit = errors.New("store: too many")
	// ErrFull: the disk of the database is full, or a quota of the system. Nothing
	// was changed; it goes on when there is room.
	ErrFull = errors.New("store: the disk of the database is full; make room")
	// ErrKey: the master key is not that of this database.
	ErrKey = errors.New("store: the master key does not fit this database")
	// ErrNewer: a newer viewflipd wrote this database or backup.
	ErrNewer = errors.New("store: the data was written by a newer version of viewflipd; update the program")
	// ErrInUse: another process has the database open.
	ErrInUse = errors.New("store: the database is in use by another process; stop the service first")
)

// Lifetimes. Janitor deletes what is older.
const (
	AttemptLife = time.Minute
	TicketLife  = 10 * time.Minute
	LinkLife    = 2 * time.Minute
	InviteLife  = 14 * 24 * time.Hour
	AskLife     = 14 * 24 * time.Hour
	AnswerLife  = 10 * time.Minute
	AuditLife   = 90 * 24 * time.Hour
	// TicketTries is how often a code may be wrong.
	TicketTries = 5
	// MaxInvites bounds the open contact links of an account.
	MaxInvites = 10
)

// Kind is what a credential is for.
type Kind string

// The kinds.
const (
	KindDevice   Kind = "device"
	KindRecovery Kind = "recovery"
)

// Purpose is what a ticket is for; a ticket of one is none of the other.
type Purpose string

// The purposes.
const (
	PurposeSignup   Purpose = "signup"
	PurposeRecovery Purpose = "recovery"
)

// Event is an entry of the audit.
type Event string

// The events.
const (
	EventCreated   Event = "created"
	EventLogin     Event = "login"
	EventDevice    Event = "device_added"
	EventRevoked   Event = "device_revoked"
	EventCopied    Event = "session_copied"
	EventKit       Event = "kit_enrolled"
	EventRecovered Event = "recovered"
	EventFindable  Event = "findable"
	EventExported  Event = "exported"
)

// State is what the owner of a contact made of it.
type State string

// The states.
const (
	StateAccepted State = "accepted"
	StateBlocked  State = "blocked"
)

type (
	// AccountID names an account inside the service; it never leaves it.
	AccountID [16]byte

	// NewAccount is what a sign-up brings. The device's keys are those under
	// its id in Devices, which is version 1.
	NewAccount struct {
		Email   account.Email
		Name    account.Name
		Device  account.NewDevice
		Devices account.DeviceList
	}

	// Credential is how a device or a recovery kit logs in.
	Credential struct {
		Account  AccountID
		Kind     Kind
		Salt     account.Salt
		Verifier account.Number
		// Device are the keys of a device; zero for a kit.
		Device wire.Device
	}

	// Session is a session and whose it is.
	Session struct {
		account.SessionRow
		Account AccountID
		Device  account.ID
		Kind    Kind
		// Keys are those of the device; zero for a kit.
		Keys wire.Device
		// Confirmed: the code of the mail of a recovery was right.
		Confirmed bool
	}

	// Rotated is the outcome of Rotate. Nonce is set for RotationMade and
	// RotationRepeated, Session unless the session is unknown.
	Rotated struct {
		What    account.Rotation
		Nonce   account.Hash
		Session Session
	}

	// Contact is a contact of an account and its state; of a blocked one the
	// account key and devices are not filled.
	Contact struct {
		account.Contact
		State State
	}

	// Peer is an accepted contact for presence and rings: Handle is what the
	// account calls the peer, Theirs what the peer calls the account.
	Peer struct {
		Account        AccountID
		Handle, Theirs account.ID
	}

	// Limit allows N uses in each window of time, aligned to the epoch.
	Limit struct {
		Window time.Duration
		N      int
	}

	// Erased says whom to tell after Erase or RemoveContact.
	Erased struct {
		Devices []account.ID
		Peers   []AccountID
	}
)
