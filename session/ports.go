package session

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"time"

	"viewflip.app/capture"
	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/video"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// Errors that callers act on. Their texts are written for people.
var (
	// ErrEnded means that the call, the share or the view is over.
	ErrEnded = errors.New("session: it has ended")
	// ErrNoControl means that this machine cannot let others control windows.
	ErrNoControl = errors.New("session: windows cannot be controlled on this machine")
	// ErrUnknown means that no such member, share or view exists (any more).
	ErrUnknown = errors.New("session: no such member or share")
	// ErrNoAnswer means that the person who made the link did not answer.
	ErrNoAnswer = errors.New("session: nobody answered: the person who made the link may have left; ask for a new link")
	// ErrSlow means that a member does not take what is sent to them. Peer.Run
	// returns it.
	ErrSlow = errors.New("session: the connection was ended, because the other machine is too slow")
	// ErrRejected means that the inviter's machine refused the link; the
	// wrapped text says why.
	ErrRejected = errors.New("session: the link was refused")
)

// Mailbox carries sealed messages through the service. client.Client is one.
type Mailbox interface {
	// Send may repeat a message that the service does not take yet, for seconds.
	Send(ctx context.Context, to wire.Address, sealed []byte) error
	// SendNow tries once.
	SendNow(ctx context.Context, to wire.Address, sealed []byte) error
	Recv(ctx context.Context) (wire.Deliver, error)
	OpenInvite(ctx context.Context, id wire.InviteID, expires time.Time) error
	CloseInvite(ctx context.Context, id wire.InviteID) error
	Lookup(ctx context.Context, id wire.InviteID) (wire.Device, error)
}

// Signaller carries the signals of one connection, authenticated end to end.
type Signaller interface {
	Send(ctx context.Context, s wire.Signal) error
	Recv(ctx context.Context) (wire.Signal, error)
}

// PeerState is how the connection to a member is.
type PeerState uint8

// The states of a connection.
const (
	Connecting PeerState = iota
	Connected
	Interrupted
)

// String names the state for people.
func (s PeerState) String() string {
	switch s {
	case Connected:
		return "connected"
	case Interrupted:
		return "interrupted"
	default:
		return "connecting"
	}
}

// Peer is one connection to one device. rtc.Peer is one, behind an adapter.
type Peer interface {
	// Run negotiates and serves until ctx ends or the connection fails. What
	// was sent before ctx ends still arrives.
	Run(ctx context.Context) error
	// Connected is closed once the other end is authenticated.
	Connected() <-chan struct{}
	// States tells of changes; the newest wins.
	States() <-chan PeerState
	// Send is ordered and reliable, SendLossy neither.
	Send(b []byte) error
	SendLossy(b []byte) error
	// Waiting is how many bytes of what was sent wait, with what keeping them costs.
	Waiting() int
	// Recv returns one message of either channel; after Run those that had
	// arrived, then an error.
	Recv(ctx context.Context) ([]byte, error)
	AddTrack(ctx context.Context, id string) (OutTrack, error)
	AcceptTrack(ctx context.Context) (InTrack, error)
}

// OutTrack is a picture stream to one peer.
type OutTrack interface {
	// Codec blocks until both ends agreed on one and names its MIME type.
	Codec(ctx context.Context) (string, error)
	// Write sends one coded frame, as fast as Pace allows, and returns its RTP
	// timestamp. After ctx has ended the track is of no use.
	Write(ctx context.Context, frame []byte) (timestamp uint32, err error)
	// Pace limits what is sent, and sent again, to rate bytes a second beyond
	// bursts of so many bytes.
	Pace(rate float64, burst int)
	// Refresh tells that the viewer needs a picture that stands alone.
	Refresh() <-chan struct{}
	Close() error
}

// TrackFrame is one coded frame as it arrived, complete and in order.
type TrackFrame struct {
	Data      []byte
	Timestamp uint32
	Received  time.Time
	// Lost means that frames before this one are missing for good.
	Lost bool
}

// InTrack is a picture stream from one peer.
type InTrack interface {
	ID() string
	Codec() string
	Read(ctx context.Context) (TrackFrame, error)
	RequestRefresh()
}

// Encoder turns pictures into coded frames for one viewer of one surface.
type Encoder interface {
	Encode(dst []byte, f *video.Frame, damage []image.Rectangle, refresh bool) ([]byte, bool, error)
	Close()
}

// Decoder is the other end of an Encoder.
type Decoder interface {
	// Need is how many pixels the decoder will hold once it has decoded b, by what
	// the header says; 0 if b is nothing that it decodes. It allocates nothing.
	Need(b []byte) int
	Decode(b []byte) ([]image.Rectangle, error)
	Picture() *video.Frame
	Close()
}

// Rememberer is a Decoder that keeps parts of earlier pictures beside what Need says.
type Rememberer interface {
	// Slots is how many pixels those will be once b is decoded. It allocates nothing.
	Slots(b []byte) int
	// Forget drops them all, and lets the next frame keep nothing. A refresh is
	// needed when the encoder counts on one of them.
	Forget()
}

// Debtor is an Encoder that may show something with loss first, and owes the
// rest until it is at rest.
type Debtor interface {
	// Pace tells how many bytes a second reach the viewer, 0 if nobody knows,
	// and how many may be under way to them.
	Pace(rate float64, window int)
	// Due is when Encode is to be called though nothing changed; false is never.
	Due() (time.Time, bool)
}

// Judge is a Decoder that knows whether its picture equals the source.
type Judge interface{ Exact() bool }

// Gate decides on and performs one member's input on one shared window.
// input.Gate is one.
type Gate interface {
	Do(ev wire.Input, rights wire.Rights) (wire.Reason, bool)
	SetLayout(l input.Layout)
	Release() error
	Run(ctx context.Context) error
	Close() error
}

// Clipboard is this desktop's. *platform.Clipboard is one.
type Clipboard interface {
	Read(ctx context.Context) (platform.Clip, error)
	Write(c platform.Clip) error
	Lend(ctx context.Context, id platform.WindowID, c platform.Clip, primary bool) (giveBack func(), err error)
	Copied(id platform.WindowID) (wait func(ctx context.Context) (platform.Clip, error))
}

// Config is everything a Call is built from. All fields but Account,
// OpenCursor, OpenHand, NewGate, Clipboard, ContactOf and Log are required.
type Config struct {
	// Identity is this device's.
	Identity *wire.Identity
	// Name is how this person is shown to others.
	Name string
	// Account is the public key of this person's account; zero without one.
	Account account.Public
	// Service is where the mailbox lives; it goes into links.
	Service wire.Service
	// Mailbox is this call's own: no other call may read from it.
	Mailbox Mailbox
	// NewPeer makes the connection to one device.
	NewPeer func(offerer bool, s Signaller) (Peer, error)
	// OpenCapture begins to capture a window.
	OpenCapture func(ctx context.Context, id platform.WindowID) (capture.Stream, error)
	// OpenCursor follows this machine's pointer; nil where that is impossible.
	OpenCursor func() (capture.Cursor, error)
	// OpenHand follows the pointer that guests in control have for themselves;
	// it is called whenever a gate was made. Nil where they share this person's.
	OpenHand func() (capture.Cursor, error)
	// NewGate makes the gate to a window; nil where control is impossible.
	NewGate func(ctx context.Context, id platform.WindowID) (Gate, error)
	// Clipboard is touched on the gestures of paste and copy alone; nil where
	// there is none.
	Clipboard Clipboard
	// NewEncoder and NewDecoder make codecs by MIME type.
	NewEncoder func(mime string) (Encoder, error)
	NewDecoder func(mime string) (Decoder, error)
	// ContactOf tells who sent a link sealed to this person's devices; nobody if
	// it came in another way. Nil: all links did.
	ContactOf func(l wire.Link) Contact
	// Log never gets names, titles or contents. Nil discards.
	Log *slog.Logger
}
