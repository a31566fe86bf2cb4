package service

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"viewflip.app/wire"
)

// Close codes of this protocol; service/client knows the same. Those of accounts
// are an Ended.
const (
	statusReplaced websocket.StatusCode = 4001
	statusVersion  websocket.StatusCode = 4002
	statusAuth     websocket.StatusCode = 4003
)

// Conn is the WebSocket connection of one device. All that is exported is for
// Accounts, and may be called by any goroutine.
type Conn struct {
	service *Service
	ws      *websocket.Conn
	tcp     *counted // below ws
	address *address
	// serial orders connections by their beginning.
	serial   uint64
	requests *rate.Limiter
	refusals *rate.Limiter
	relays   *rate.Limiter // credentials for the relay
	bound    bool          // to an account
	nonce    [32]byte      // of the challenge; read-only after the handshake
	notes    notes
	called   bool          // it has to do with a call; see credentials
	wake     chan struct{} // capacity 1
	box      *mailbox      // set by hub.attach, read-only afterwards
}

// ending is why a connection is closed; the zero value means that it is
// broken already.
type ending struct {
	code   websocket.StatusCode
	reason string
}

func (c *Conn) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// serve runs the connection to its end. ctx is cut only when goodbyes take
// too long.
func (c *Conn) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	end, gone := c.talk(ctx, cancel, &wg)
	if end.code != 0 {
		_ = c.ws.Close(end.code, end.reason)
	} else {
		_ = c.ws.CloseNow()
	}
	cancel()
	wg.Wait()
	if c.bound {
		c.service.accounts.Drop(c)
	}
	if c.box != nil {
		c.service.hub.detach(c, gone)
	}
}

func (c *Conn) talk(ctx context.Context, cancel context.CancelFunc, wg *sync.WaitGroup) (end ending, gone bool) {
	device, id, end, ok := c.handshake(ctx)
	if !ok {
		return end, false
	}
	switch old := c.service.hub.attach(c, device); old {
	case nil:
	case c:
		return ending{statusReplaced, "replaced"}, false
	default:
		c.service.Background(func() { _ = old.ws.Close(statusReplaced, "replaced") })
	}
	c.service.hub.reach(ctx, c.box)
	// Whoever is welcome can be reached already.
	if err := c.write(ctx, wire.Frame{ID: id, Body: wire.Welcome{}}); err != nil {
		return ending{}, false
	}
	wg.Go(func() { defer cancel(); c.deliver(ctx) })
	wg.Go(func() { defer cancel(); c.watch(ctx) })
	for {
		f, end, err := c.read(ctx)
		if err != nil {
			code := websocket.CloseStatus(err)
			return end, code == websocket.StatusNormalClosure || code == websocket.StatusGoingAway
		}
		reply, end := c.obey(ctx, f)
		if reply != nil {
			if err := c.write(ctx, wire.Frame{ID: f.ID, Body: reply}); err != nil {
				return ending{}, false
			}
		}
		if end.code != 0 {
			return end, false
		}
	}
}

// handshake lets the device prove that it has its key and sees our certificate.
// It returns the id that the welcome answers.
func (c *Conn) handshake(ctx context.Context) (wire.Device, uint32, ending, bool) {
	ctx, cancel := context.WithTimeout(ctx, c.service.limits.Handshake)
	defer cancel()
	fail := func(e ending) (wire.Device, uint32, ending, bool) { return wire.Device{}, 0, e, false }
	f, end, err := c.read(ctx)
	if err != nil {
		return fail(end)
	}
	hello, ok := f.Body.(wire.ServiceHello)
	if !ok {
		return fail(c.malformed(ctx))
	}
	if hello.Version != wire.Version {
		return fail(ending{statusVersion, "version"})
	}
	var ch wire.Challenge
	if _, err := rand.Read(ch.Nonce[:]); err != nil {
		return fail(ending{websocket.StatusInternalError, ""})
	}
	c.nonce = ch.Nonce
	if err := c.write(ctx, wire.Frame{ID: f.ID, Body: ch}); err != nil {
		return fail(ending{})
	}
	if f, end, err = c.read(ctx); err != nil {
		return fail(end)
	}
	proof, ok := f.Body.(wire.Proof)
	if !ok {
		return fail(c.malformed(ctx))
	}
	if !hello.Device.Verify(wire.ProofBytes(c.service.pin, ch.Nonce, hello.Device), proof.Signature[:]) {
		c.service.log.Debug("proof refused")
		_ = c.write(ctx, wire.Frame{ID: f.ID, Body: wire.Error{Code: wire.CodeAuthFailed}})
		return fail(ending{statusAuth, "proof"})
	}
	return hello.Device, f.ID, ending{}, true
}

// read reads one frame. Only a frame that is no frame ends with a code.
func (c *Conn) read(ctx context.Context) (wire.Frame, ending, error) {
	kind, b, err := c.ws.Read(ctx)
	if err != nil {
		return wire.Frame{}, ending{}, err
	}
	if kind != websocket.MessageBinary {
		return wire.Frame{}, c.malformed(ctx), wire.ErrMalformed
	}
	f, err := wire.ParseFrame(b)
	if errors.Is(err, wire.ErrTooLarge) {
		return wire.Frame{}, ending{websocket.StatusMessageTooBig, "too large"}, err
	}
	if err != nil {
		return wire.Frame{}, c.malformed(ctx), err
	}
	return f, ending{}, nil
}

func (c *Conn) malformed(ctx context.Context) ending {
	c.service.log.Debug("malformed frame")
	_ = c.write(ctx, wire.Frame{Body: wire.Error{Code: wire.CodeMalformed}})
	return ending{websocket.StatusInvalidFramePayloadData, "malformed"}
}

func (c *Conn) write(ctx context.Context, f wire.Frame) error {
	b, err := wire.AppendFrame(nil, f)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.service.limits.Answer)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageBinary, b)
}

// obey carries out one request.
func (c *Conn) obey(ctx context.Context, f wire.Frame) (reply wire.FrameBody, end ending) {
	hub := c.service.hub
	if end, barred := c.notes.barred(); barred {
		return nil, end
	}
	if _, ok := f.Body.(wire.OK); ok && hub.ack(c, f.ID) {
		return nil, ending{} // a reply to what we sent costs nothing
	}
	now := c.service.now()
	if !c.requests.AllowN(now, 1) || !c.address.requests.AllowN(now, 1) {
		if !c.refusals.AllowN(now, 1) {
			c.service.log.Debug("connection closed for its rate")
			end = ending{websocket.StatusPolicyViolation, "rate"}
		}
		return wire.Error{Code: wire.CodeRateLimited}, end
	}
	var code wire.ErrorCode
	if _, ok := f.Body.(wire.Bind); !ok && !c.bound && c.service.noGuests {
		return wire.Error{Code: wire.CodeAuthFailed}, ending{}
	}
	switch m := f.Body.(type) {
	case wire.OK: // of a message that ran out of time
		return nil, ending{}
	case wire.Send:
		code = hub.send(ctx, c, f.ID, m)
	case wire.OpenInvite:
		code = hub.openInvite(ctx, c, m)
		c.called = c.called || code == 0
	case wire.CloseInvite:
		hub.close(c, m.Invite)
	case wire.Relay:
		var r wire.FrameBody
		if r, code = c.credentials(ctx, m); code == 0 {
			return r, ending{}
		}
	case wire.Lookup:
		d, ok := hub.find(ctx, m.Invite)
		if ok {
			c.called = true
			return wire.Found{Device: d}, ending{}
		}
		code = wire.CodeUnknownInvite
	case wire.Bind:
		if code = c.bind(ctx, m); code == 0 {
			return wire.Bound{}, ending{}
		}
	case wire.SetPresence:
		if !c.bound || !c.service.accounts.SetPresence(c, m.State) {
			code = wire.CodeAuthFailed
		}
	default:
		c.service.log.Debug("frame out of place")
		return wire.Error{Code: wire.CodeMalformed}, ending{websocket.StatusInvalidFramePayloadData, "malformed"}
	}
	if code != 0 {
		return wire.Error{Code: code}, ending{}
	}
	return wire.OK{}, ending{}
}

// deliver writes what waits for the device. Each message stays in the queue
// until the device acknowledges its id.
func (c *Conn) deliver(ctx context.Context) {
	for {
		for _, body := range c.notes.take() {
			if c.write(ctx, wire.Frame{Body: body}) != nil {
				return
			}
		}
		for {
			if _, barred := c.notes.barred(); barred {
				break
			}
			m, ok := c.service.hub.next(c)
			if !ok {
				break
			}
			if c.write(ctx, wire.Frame{ID: m.id, Body: wire.Deliver{From: m.from, Sealed: m.sealed}}) != nil {
				return
			}
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
			return
		}
	}
}

// watch ends a connection that shows no sign of life.
func (c *Conn) watch(ctx context.Context) {
	t := time.NewTicker(c.service.limits.Ping)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		pctx, cancel := context.WithTimeout(ctx, c.service.limits.Answer)
		err := c.ws.Ping(pctx)
		cancel()
		if err != nil {
			return
		}
	}
}
