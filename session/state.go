package session

import (
	"image"
	"time"

	"viewflip.app/platform"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// MemberID names a member of a call: the address of the device.
type MemberID = wire.Address

// Standing is why a member's identity is believed.
type Standing uint8

// The standings.
const (
	// ByLink: each proved to the other that they hold the two ends of a link.
	ByLink Standing = iota
	// Introduced: a member who was verified vouched for this device.
	Introduced
	// Compared: a device of a contact whose key is known from a link, or whose
	// words were compared.
	Compared
	// Uncompared: a device of a contact whose key only the service has told.
	Uncompared
)

// String is a few words for people.
func (s Standing) String() string {
	switch s {
	case Introduced:
		return "someone you never met"
	case Compared:
		return "a verified contact"
	case Uncompared:
		return "a contact, not verified yet"
	default:
		return "verified"
	}
}

// direct means that the member proved to hold the other end of a link.
func (s Standing) direct() bool { return s != Introduced }

// Contact is somebody of this person's account whom a link was sent to, or who
// sent one, sealed to the devices of the contact. The zero Contact is nobody.
type Contact struct {
	// Name is what this person's list calls the contact; it stands over what they
	// call themselves.
	Name string
	// Account is the pinned key of the contact.
	Account account.Public
	// Verified means that the key is known from a link or from comparing words.
	Verified bool
}

func (c Contact) known() bool { return c.Account != account.Public{} }

func (c Contact) standing() Standing {
	switch {
	case !c.known():
		return ByLink
	case c.Verified:
		return Compared
	default:
		return Uncompared
	}
}

// State is a snapshot of a call. It is immutable.
type State struct {
	Members []Member
	Shares  []Share
	Asks    []Ask
	// Masked are dialogs about which this person should decide.
	Masked []MaskedDialog
	Remote []RemoteShare
}

// Member is somebody else in the call.
type Member struct {
	ID       MemberID
	Name     string
	Standing Standing
	Link     PeerState
	// Contact is who the member is by this person's list.
	Contact Contact
	// Phrase is there once it was agreed on: see Compare.
	Phrase Phrase
}

// Share is a window that this device offers.
type Share struct {
	ID     wire.ShareID
	Window platform.WindowID
	Title  string
	App    string
	W, H   int
	// Main is the window's own content in the picture of W by H pixels.
	Main   image.Rectangle
	Hidden bool
	// TooLarge means that the window is larger than what can be sent: viewers keep
	// the last picture until it is smaller.
	TooLarge bool
	Grant    wire.Rights
	Viewers  []Viewer
}

// Viewer is a member with respect to one share of ours.
type Viewer struct {
	Member   MemberID
	Name     string
	Rights   wire.Rights
	Ends     Ends
	Watching bool
}

// Ask is a member's open request for more rights on a share of ours.
type Ask struct {
	Member   MemberID
	Name     string
	Standing Standing
	Share    wire.ShareID
	Title    string
	Rights   wire.Rights
	At       time.Time
}

// RemoteShare is a window that a member offers to us.
type RemoteShare struct {
	Member     MemberID
	MemberName string
	Share      wire.ShareID
	Title      string
	App        string
	W, H       int
	Gen        uint32
	Hidden     bool
	// TooLarge means that the window is larger than what the sharer can send: the
	// last picture stays until it is smaller. W and H are the window's then.
	TooLarge bool
	// Crowded means that the picture is too large for this machine beside those
	// that are watched: the last one stays, if there is any.
	Crowded bool
	// Unvouched is true of the shares of a member who neither came by our own link
	// nor was let in by whose link we came by. They are not opened unasked.
	Unvouched bool
	// Main is the window's own content in the picture of W by H pixels.
	Main image.Rectangle
	// Surfaces are drawn over it, in this order. Not to be changed.
	Surfaces []Surface
	// Rights are what we may do with it now, as the sharer told us.
	Rights wire.Rights
	Ends   Ends
	// Asking is true while a request of ours, for Asked, is unanswered.
	Asking bool
	Asked  wire.Rights
	// Ended is not zero once the share is over.
	Ended wire.CloseReason
	// Interrupted is true while the connection to the sharer is.
	Interrupted bool
}

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	EventJoined   EventKind = "joined"
	EventLeft     EventKind = "left"
	EventAsked    EventKind = "asked"
	EventGranted  EventKind = "granted"
	EventRefused  EventKind = "refused"
	EventRevoked  EventKind = "revoked"
	EventWatching EventKind = "watching"
	EventUnwatch  EventKind = "stopped_watching"
	EventShared   EventKind = "shared"
	EventUnshared EventKind = "unshared"
	EventLinkUsed EventKind = "link_used"
	// EventMasked says that a dialog is hidden from the viewers, EventRevealed
	// that it is shown to them.
	EventMasked   EventKind = "dialog_hidden"
	EventRevealed EventKind = "dialog_shown"
	// EventPaused says that a window has become too large to be sent, EventResumed
	// that it is small enough again.
	EventPaused  EventKind = "paused"
	EventResumed EventKind = "resumed"
)

// Event is one thing that happened in a call, for terminals and scripts.
type Event struct {
	Kind   EventKind    `json:"event"`
	At     time.Time    `json:"at"`
	Member string       `json:"member,omitempty"`
	Name   string       `json:"name,omitempty"`
	Share  wire.ShareID `json:"share,omitempty"`
	Title  string       `json:"title,omitempty"`
	Rights string       `json:"rights,omitempty"`
	Term   string       `json:"term,omitempty"`
	Reason string       `json:"reason,omitempty"`
	// Surface is what EventMasked and EventRevealed are about.
	Surface wire.SurfaceID `json:"surface,omitempty"`
	// Invite is which link was used.
	Invite wire.InviteID `json:"-"`
}

func (c *Call) emit(e Event) {
	e.At = time.Now()
	c.events.Tell(e) // a terminal that does not read loses events, not the call
}

// State returns a snapshot of the call.
func (c *Call) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	var st State
	for _, m := range c.order {
		st.Members = append(st.Members, Member{ID: m.id, Name: m.name, Standing: m.standing, Link: m.link, Contact: m.contact, Phrase: m.phrase.agreed})
		for _, v := range m.viewOrder {
			st.Remote = append(st.Remote, v.infoLocked())
		}
	}
	st.Remote = append(st.Remote, c.ended...)
	for _, s := range c.shareOrder {
		sh := Share{
			ID: s.id, Window: s.window, Title: s.title, App: s.app,
			W: s.state.W, H: s.state.H, Main: s.state.Main, Hidden: s.state.Hidden, TooLarge: s.state.TooLarge, Grant: s.grant,
		}
		for _, m := range c.order {
			if m.link == Connecting {
				continue
			}
			g := s.guests[m.id]
			v := Viewer{Member: m.id, Name: m.name, Rights: s.free(m.id)}
			if g != nil {
				v.Rights, v.Ends, v.Watching = g.rights, g.endsNow(), g.outlet != nil
				if g.asked != 0 {
					st.Asks = append(st.Asks, Ask{
						Member: m.id, Name: m.name, Standing: m.standing,
						Share: s.id, Title: s.title, Rights: g.asked, At: g.askedAt,
					})
				}
			}
			sh.Viewers = append(sh.Viewers, v)
		}
		st.Shares = append(st.Shares, sh)
		st.Masked = append(st.Masked, s.maskedLocked(sh.Viewers)...)
	}
	return st
}
