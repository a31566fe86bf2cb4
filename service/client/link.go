package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"

	"viewflip.app/wire"
)

// Close codes of this protocol; package service knows the same.
const (
	statusReplaced websocket.StatusCode = 4001
	statusVersion  websocket.StatusCode = 4002
	statusAuth     websocket.StatusCode = 4003
)

const (
	loginTime   = 10 * time.Second
	pingTime    = 20 * time.Second
	answerTime  = 10 * time.Second
	goodbyeTime = time.Second
)

// errGone means that the connection ended before the answer came.
var errGone = errors.New("client: connection lost")

// errUnbound means that the service did not take the session: the next
// connection has a newer one.
var errUnbound = errors.New("client: the service refused the session")

// login proves our key to the service, bound to the certificate that we see.
// It returns the nonce of the service's challenge.
func login(ctx context.Context, ws *websocket.Conn, id *wire.Identity, pin [32]byte) ([32]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	challenge, err := exchange[wire.Challenge](ctx, ws, wire.ServiceHello{Version: wire.Version, Device: id.Public()})
	if err != nil {
		return challenge.Nonce, err
	}
	var proof wire.Proof
	copy(proof.Signature[:], id.Sign(wire.ProofBytes(pin, challenge.Nonce, id.Public())))
	_, err = exchange[wire.Welcome](ctx, ws, proof)
	return challenge.Nonce, err
}

// exchange sends one frame of the handshake and wants one kind of answer.
func exchange[T wire.FrameBody](ctx context.Context, ws *websocket.Conn, body wire.FrameBody) (answer T, err error) {
	b, err := wire.AppendFrame(nil, wire.Frame{ID: 1, Body: body})
	if err != nil {
		return answer, fmt.Errorf("client: log in: %w", err)
	}
	if err := ws.Write(ctx, websocket.MessageBinary, b); err != nil {
		return answer, ended(err)
	}
	_, b, err = ws.Read(ctx)
	if err != nil {
		return answer, ended(err)
	}
	f, err := wire.ParseFrame(b)
	if err != nil {
		return answer, fmt.Errorf("client: log in: %w", err)
	}
	switch got := f.Body.(type) {
	case T:
		return got, nil
	case wire.Error:
		return answer, failure(got.Code)
	default:
		return answer, fmt.Errorf("client: log in: %w", wire.ErrMalformed)
	}
}

// ended turns the end of a connection into one of our errors.
func ended(err error) error {
	switch websocket.CloseStatus(err) {
	case statusReplaced:
		return ErrReplaced
	case statusVersion:
		return ErrVersion
	case statusAuth:
		return ErrAuth
	case websocket.StatusServiceRestart:
		return errors.New("client: the service stops or restarts")
	default:
		return fmt.Errorf("client: connection lost: %w", err)
	}
}

// link is one connection after the login.
type link struct {
	ws    *websocket.Conn
	nonce [32]byte // of the service's challenge
	// ahead is how far the service's clock is ahead of ours: times are the
	// service's on the wire, and ours for everybody else.
	ahead time.Duration
	note  func(wire.FrameBody)
	out   chan wire.Frame
	gone  chan struct{} // closed at the end

	mu      sync.Mutex
	pending map[uint32]chan wire.FrameBody
	acks    []uint32
	wake    chan struct{} // capacity 1: acks grew
}

func newLink(ws *websocket.Conn) *link {
	return &link{
		ws: ws, out: make(chan wire.Frame), gone: make(chan struct{}),
		pending: make(map[uint32]chan wire.FrameBody), wake: make(chan struct{}, 1),
	}
}

func (l *link) isGone() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// run serves the connection to its end and says goodbye when ctx ends. It
// never returns nil.
func (l *link) run(ctx context.Context, receive func(*link, uint32, wire.Deliver) error, begin func(context.Context, *link) error) error {
	defer close(l.gone)
	g, gctx := errgroup.WithContext(context.WithoutCancel(ctx))
	gctx, cut := context.WithCancel(gctx)
	defer cut()
	g.Go(func() error { return l.read(gctx, receive) })
	g.Go(func() error { return l.write(gctx) })
	g.Go(func() error { return l.watch(gctx) })
	g.Go(func() error {
		if err := begin(gctx, l); err != nil {
			return err
		}
		<-gctx.Done()
		return nil
	})
	g.Go(func() error {
		select {
		case <-gctx.Done():
			return nil
		case <-ctx.Done():
		}
		late := time.AfterFunc(goodbyeTime, cut)
		defer late.Stop()
		_ = l.ws.Close(websocket.StatusNormalClosure, "")
		return ctx.Err()
	})
	err := g.Wait()
	_ = l.ws.CloseNow()
	return err
}

func (l *link) read(ctx context.Context, receive func(*link, uint32, wire.Deliver) error) error {
	for {
		_, b, err := l.ws.Read(ctx)
		if err != nil {
			return ended(err)
		}
		f, err := wire.ParseFrame(b)
		if err != nil {
			return fmt.Errorf("client: from the service: %w", err)
		}
		switch body := f.Body.(type) {
		case wire.Deliver:
			if err := receive(l, f.ID, body); err != nil {
				return err
			}
		case wire.Presence, wire.Changed:
			if l.note != nil {
				l.note(body)
			}
		case wire.OK, wire.Found, wire.RelayCredentials, wire.Bound, wire.Error:
			if r, ok := f.Body.(wire.RelayCredentials); ok {
				r.Expires -= int64(l.ahead / time.Second)
				f.Body = r
			}
			l.mu.Lock()
			if reply := l.pending[f.ID]; reply != nil {
				delete(l.pending, f.ID)
				reply <- f.Body // capacity 1, one answer
			}
			l.mu.Unlock()
		default:
			return fmt.Errorf("client: from the service: %w", wire.ErrMalformed)
		}
	}
}

// write is the only writer, so that a caller who gives up does not cut a
// message in two.
func (l *link) write(ctx context.Context) error {
	for {
		select {
		case f := <-l.out:
			if err := l.put(ctx, f); err != nil {
				return err
			}
		case <-l.wake:
			l.mu.Lock()
			acks := l.acks
			l.acks = nil
			l.mu.Unlock()
			for _, id := range acks {
				if err := l.put(ctx, wire.Frame{ID: id, Body: wire.OK{}}); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *link) put(ctx context.Context, f wire.Frame) error {
	b, err := wire.AppendFrame(nil, f)
	if err != nil {
		return fmt.Errorf("client: send: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := l.ws.Write(ctx, websocket.MessageBinary, b); err != nil {
		return ended(err)
	}
	return nil
}

// watch ends a connection whose other end shows no sign of life.
func (l *link) watch(ctx context.Context) error {
	t := time.NewTicker(pingTime)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		pctx, cancel := context.WithTimeout(ctx, answerTime)
		err := l.ws.Ping(pctx)
		cancel()
		if err != nil {
			return ended(err)
		}
	}
}

// ack acknowledges a delivery. It never blocks.
func (l *link) ack(id uint32) {
	l.mu.Lock()
	if len(l.acks) < maxInbox {
		l.acks = append(l.acks, id)
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// ask sends a request and waits for its answer: errGone if the connection ends
// first.
func (l *link) ask(ctx context.Context, id uint32, body wire.FrameBody) (wire.FrameBody, error) {
	reply := make(chan wire.FrameBody, 1)
	if o, ok := body.(wire.OpenInvite); ok {
		o.Expires += int64(l.ahead / time.Second)
		body = o
	}
	l.mu.Lock()
	l.pending[id] = reply
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.pending, id)
		l.mu.Unlock()
	}()
	select {
	case l.out <- wire.Frame{ID: id, Body: body}:
	case <-l.gone:
		return nil, errGone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case b := <-reply:
		return b, nil
	case <-l.gone:
		return nil, errGone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
