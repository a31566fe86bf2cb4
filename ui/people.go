package ui

import (
	"context"
	"errors"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// Errors of People that the screens put into words of their own.
var (
	// ErrDeclined means that the contact does not want to talk now.
	ErrDeclined = errors.New("ui: the contact declined")
	// ErrNoAnswer means that nobody answered the ringing.
	ErrNoAnswer = errors.New("ui: nobody answered")
	// ErrCode means that the digits of the mail were wrong: they may be typed
	// again.
	ErrCode = errors.New("ui: the code is not the one of the mail")
)

// ContactID names a contact, or somebody who asks to become one.
type ContactID [16]byte

// DeviceID names a device of the account.
type DeviceID [16]byte

// Presence is whether somebody can be called.
type Presence uint8

// The presences. Invisible is this person's own alone.
const (
	Offline Presence = iota
	Online
	Busy
	Invisible
)

// Contact is somebody of this person's list.
type Contact struct {
	ID ContactID
	// Contact is what a call is told of them.
	session.Contact
	// Says is how the service says that they call themselves now, if that is another
	// name than the one that this person knows; it may lie.
	Says string
	// Changed means that the identity is another than the one that was known:
	// such a contact cannot be called.
	Changed  bool
	Presence Presence
}

// Asking is somebody who asks to become a contact.
type Asking struct {
	ID   ContactID
	Name string
}

// Ring is a contact who calls.
type Ring struct {
	From Contact
	// Link leads into the call.
	Link wire.Link
}

// Device is one of the account's devices.
type Device struct {
	ID      DeviceID
	Label   string
	Current bool
}

// PeopleState is a snapshot of the account. It is immutable.
type PeopleState struct {
	// SignedUp is true once this device belongs to an account; the rest is zero
	// before.
	SignedUp bool
	// Aside is true if there is no account, but the key of one that the service
	// did not know any more: Again and Forget are about that.
	Aside bool
	// Online is true while the service is connected; Trouble says why not, in
	// words for people, if there is more to say. Without an account, Trouble is
	// why this device lost the one that it had.
	Online  bool
	Trouble error
	Name    string
	Email   string
	// Findable lets people who know the address ask.
	Findable bool
	// Presence is what contacts see.
	Presence Presence
	// Kit is true once there is a recovery kit.
	Kit      bool
	Contacts []Contact
	Asks     []Asking
	// Asked are the addresses that did not answer yet.
	Asked   []string
	Rings   []Ring
	Devices []Device
}

// AskAnswer is what somebody who asks to become a contact gets.
type AskAnswer uint8

// The answers.
const (
	AskAccept AskAnswer = iota
	AskDecline
	AskBlock
)

// People is this person's account and list. The texts of errors are for
// people. It is safe for concurrent use; all calls may wait for the network.
type People interface {
	// State returns a snapshot, without waiting.
	State() PeopleState
	// Changed ticks after changes of State until ctx ends.
	Changed(ctx context.Context) <-chan struct{}

	// Service is what to propose as service below, "" if it is not known.
	Service(ctx context.Context) string
	// SignUp has a code sent to the address. The function that it returns takes
	// the code and makes the account; ErrCode may be tried again. service is
	// the service's address with its pin, or an invitation link.
	SignUp(ctx context.Context, service, email, name string) (func(ctx context.Context, code string) error, error)
	// AddThis adds this device to an account: code is for the eyes of the
	// person, wait returns once it was typed and confirmed on another device.
	AddThis(ctx context.Context, service string) (code string, wait func(ctx context.Context) error, err error)
	// Recover is SignUp with a recovery kit.
	Recover(ctx context.Context, service, kit string) (func(ctx context.Context, code string) error, error)

	// Again asks the service once more for the account that was set aside.
	Again(ctx context.Context) error
	// Forget erases the key of that account.
	Forget(ctx context.Context) error

	// InviteContact makes a link by which one person becomes a contact.
	InviteContact(ctx context.Context) (string, error)
	// AcceptContact takes such a link of somebody else and returns their name.
	AcceptContact(ctx context.Context, link string) (string, error)
	// AskContact asks whoever has the address.
	AskContact(ctx context.Context, email string) error
	AnswerContact(ctx context.Context, id ContactID, a AskAnswer) error
	RemoveContact(ctx context.Context, id ContactID) error
	BlockContact(ctx context.Context, id ContactID) error
	// NameContact changes how this person's devices call a contact.
	NameContact(ctx context.Context, id ContactID, name string) error
	// Withdraw takes a question to an address back.
	Withdraw(ctx context.Context, email string) error
	// Verify notes that the words were compared with whoever has this key.
	Verify(ctx context.Context, who session.Contact) error

	// Ring brings a contact into a call: it rings at their devices until they are
	// there. ErrDeclined, ErrNoAnswer, or the error of ctx.
	Ring(ctx context.Context, c Call, id ContactID) error
	// Answered takes a ring off the list: its link is joined next, as one that
	// this contact sent.
	Answered(id wire.InviteID)
	// Decline tells the caller no.
	Decline(ctx context.Context, id wire.InviteID) error

	SetName(ctx context.Context, name string) error
	SetFindable(ctx context.Context, on bool) error
	SetPresence(ctx context.Context, s Presence) error
	RemoveDevice(ctx context.Context, id DeviceID) error
	NameDevice(ctx context.Context, id DeviceID, name string) error
	// Link meets the new device that shows the code.
	Link(ctx context.Context, code string) (Joiner, error)
	// MakeKit returns the code of a new recovery kit; older ones end.
	MakeKit(ctx context.Context) (string, error)
	// Export is everything that the service knows, as JSON.
	Export(ctx context.Context) ([]byte, error)
	// Delete erases the account for good.
	Delete(ctx context.Context) error
}

// Joiner is a new device that asks to belong to the account. What it calls
// itself is a claim.
type Joiner interface {
	Label() string
	Platform() string
	Confirm(ctx context.Context) error
	Refuse(ctx context.Context) error
}
