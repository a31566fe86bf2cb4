package servicetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/coder/websocket"

	"viewflip.app/wire"
)

// Device is a client of the mailbox that can misbehave.
type Device struct {
	tb testing.TB
	// WS is its connection.
	WS *websocket.Conn
	// ID is who it is, once it has logged in.
	ID *wire.Identity
}

func (d *Device) login(pin [32]byte, id *wire.Identity) *Device {
	d.tb.Helper()
	d.ID = id
	if reply, ok := d.Prove(pin, id, id).(wire.Welcome); !ok {
		d.tb.Fatalf("login: %#v", reply)
	}
	return d
}

// Challenge says who it claims to be, and gives what the service asks then.
func (d *Device) Challenge(claims *wire.Identity) wire.Challenge {
	d.tb.Helper()
	d.Send(1, wire.ServiceHello{Version: wire.Version, Device: claims.Public()})
	ch, ok := d.Read().Body.(wire.Challenge)
	if !ok {
		d.tb.Fatal("no challenge")
	}
	return ch
}

// Answer signs a challenge, to the service with a pin, as a device; what it claims
// to be need not be the same.
func (d *Device) Answer(ch wire.Challenge, pin [32]byte, claims, signs *wire.Identity) wire.FrameBody {
	d.tb.Helper()
	d.Send(2, wire.Proof{Signature: [64]byte(signs.Sign(wire.ProofBytes(pin, ch.Nonce, claims.Public())))})
	return d.Read().Body
}

// Prove claims to be one device and signs as another; it gives the reply.
func (d *Device) Prove(pin [32]byte, claims, signs *wire.Identity) wire.FrameBody {
	d.tb.Helper()
	return d.Answer(d.Challenge(claims), pin, claims, signs)
}

// Write writes one message, whatever is in it.
func (d *Device) Write(kind websocket.MessageType, b []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	return d.WS.Write(ctx, kind, b)
}

// Send sends one frame.
func (d *Device) Send(id uint32, body wire.FrameBody) {
	d.tb.Helper()
	b, err := wire.AppendFrame(nil, wire.Frame{ID: id, Body: body})
	if err != nil {
		d.tb.Fatal(err)
	}
	if err := d.Write(websocket.MessageBinary, b); err != nil {
		d.tb.Fatal(err)
	}
}

// TryRead reads one frame, or says why there is none.
func (d *Device) TryRead() (wire.Frame, error) { return d.readWithin(Patience) }

func (d *Device) readWithin(limit time.Duration) (wire.Frame, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_, b, err := d.WS.Read(ctx)
	if err != nil {
		return wire.Frame{}, err
	}
	return wire.ParseFrame(b)
}

// Read reads one frame.
func (d *Device) Read() wire.Frame {
	d.tb.Helper()
	f, err := d.TryRead()
	if err != nil {
		d.tb.Fatal(err)
	}
	return f
}

// Ask sends a request and returns the answer to it, which must come next.
func (d *Device) Ask(body wire.FrameBody) wire.FrameBody {
	d.tb.Helper()
	const id = 77
	d.Send(id, body)
	f := d.Read()
	if f.ID != id {
		d.tb.Fatalf("an answer to %d: %#v", f.ID, f.Body)
	}
	return f.Body
}

// Want asks, and compares the answer.
func (d *Device) Want(body, want wire.FrameBody) {
	d.tb.Helper()
	if got := d.Ask(body); got != want {
		d.tb.Errorf("%T: %#v, want %#v", body, got, want)
	}
}

// Reply reads until the answer to a request.
func (d *Device) Reply(id uint32) wire.FrameBody {
	d.tb.Helper()
	for {
		if f := d.Read(); f.ID == id {
			return f.Body
		}
	}
}

// Until reads until a frame is as wanted.
func (d *Device) Until(want wire.FrameBody) {
	d.tb.Helper()
	for {
		if f := d.Read(); f.Body == want {
			return
		}
	}
}

// Delivered reads one delivery.
func (d *Device) Delivered() (uint32, wire.Deliver) {
	d.tb.Helper()
	f := d.Read()
	m, ok := f.Body.(wire.Deliver)
	if !ok || f.ID == 0 {
		d.tb.Fatalf("want a delivery, got %d %#v", f.ID, f.Body)
	}
	return f.ID, m
}

// Closed reads until the connection is closed and returns how.
func (d *Device) Closed() (last wire.FrameBody, code websocket.StatusCode) {
	d.tb.Helper()
	for {
		f, err := d.readWithin(Patience) // a sweep comes every 10 s
		if err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				d.tb.Error("the connection is not closed")
			}
			return last, websocket.CloseStatus(err)
		}
		last = f.Body
	}
}
