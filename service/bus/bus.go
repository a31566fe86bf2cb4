package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Errors that callers act on.
var (
	// ErrNoResponder means that nobody subscribes to the subject of a request,
	// on no node: the device is offline.
	ErrNoResponder = errors.New("bus: nobody is there")
	// ErrUnavailable means that the bus cannot be reached now, or gave no answer
	// in time. It is tried again by itself.
	ErrUnavailable = errors.New("bus: the message bus cannot be reached")
	// ErrTooLarge means that a message is over MaxMessage.
	ErrTooLarge = errors.New("bus: the message is too large")
	// ErrClosed means that the bus has ended.
	ErrClosed = errors.New("bus: it has ended")
)

// MaxMessage bounds one message, in bytes.
const MaxMessage = 256 << 10

const (
	startTime     = 10 * time.Second
	reconnectWait = 500 * time.Millisecond
	pingInterval  = 10 * time.Second
	drainTime     = 5 * time.Second
	syncTime      = 2 * time.Second
	maxAnswers    = 1024
)

// Config is what a Bus is made from; all of it may be zero.
type Config struct {
	// URL is empty for a bus in this process, or where an external one is; see
	// ParseURL.
	URL string
	// PendingMessages and PendingBytes bound what waits for one slow subscriber;
	// newer messages are dropped then. 1024 and 4 MiB if zero.
	PendingMessages, PendingBytes int
	// Log never gets a subject or a message. Nil discards.
	Log *slog.Logger
}

// Bus is one node's connection. Make one with Open, and run it.
type Bus struct {
	cfg     Config
	nc      *nats.Conn
	srv     *server.Server // nil if external
	changes chan struct{}
	closed  chan struct{}
	dropped atomic.Uint64
	ending  atomic.Bool // Run stops: what ends then was not lost
	once    sync.Once
}

// Open starts the bus in process, or connects to the external one until ctx ends.
// Run must follow.
func Open(ctx context.Context, cfg Config) (*Bus, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.PendingMessages == 0 {
		cfg.PendingMessages = 1024
	}
	if cfg.PendingBytes == 0 {
		cfg.PendingBytes = 4 << 20
	}
	b := &Bus{cfg: cfg, changes: make(chan struct{}, 1), closed: make(chan struct{})}
	url, opts := "", []nats.Option(nil)
	if cfg.URL == "" {
		if err := b.start(); err != nil {
			return nil, err
		}
		opts = append(opts, nats.InProcessServer(b.srv))
	} else {
		t, err := ParseURL(cfg.URL)
		if err != nil {
			return nil, err
		}
		more, err := t.options()
		if err != nil {
			return nil, err
		}
		url, opts = t.servers, more
	}
	opts = append(opts,
		nats.Name("viewflip"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectWait, reconnectWait),
		// Waiting for the bus is the caller's decision: nothing is kept meanwhile.
		nats.ReconnectBufSize(-1), nats.IgnoreAuthErrorAbort(), nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(2),
		nats.DrainTimeout(drainTime),
		// Gather makes one for each question; by default that is half a megabyte.
		nats.SyncQueueLen(maxAnswers),
		nats.DisconnectErrHandler(func(*nats.Conn, error) {
			if !b.ending.Load() {
				cfg.Log.Warn("message bus lost")
			}
			b.changed()
		}),
		nats.ReconnectHandler(func(*nats.Conn) { cfg.Log.Info("message bus back"); b.changed() }),
		nats.ClosedHandler(func(*nats.Conn) { b.once.Do(func() { close(b.closed) }) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrSlowConsumer) {
				b.dropped.Add(1)
				cfg.Log.Warn("a subscriber of the message bus is too slow")
				return
			}
			cfg.Log.Warn("message bus refused something")
		}),
	)
	nc, err := connect(ctx, url, opts)
	if err != nil {
		b.stop()
		return nil, err
	}
	b.nc = nc
	return b, nil
}

// connect tries until ctx ends: a node may start before its bus.
func connect(ctx context.Context, url string, opts []nats.Option) (*nats.Conn, error) {
	for {
		nc, err := nats.Connect(url, opts...)
		if err == nil {
			return nc, nil
		}
		if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrNoServers) && ctx.Err() != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		select {
		case <-time.After(reconnectWait):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}

// start starts the server in this process, which has no port.
func (b *Bus) start() error {
	srv, err := server.NewServer(&server.Options{
		ServerName: "viewflip", DontListen: true, NoSigs: true, NoLog: true, MaxPayload: 2 * MaxMessage,
	})
	if err != nil {
		return fmt.Errorf("bus: %w", err)
	}
	go srv.Start() // stop waits for it
	if !srv.ReadyForConnections(startTime) {
		srv.Shutdown()
		return fmt.Errorf("%w: it did not start", ErrUnavailable)
	}
	b.srv = srv
	return nil
}

func (b *Bus) stop() {
	if b.srv != nil {
		b.srv.Shutdown()
		b.srv.WaitForShutdown()
	}
}

// Run serves until ctx ends; what was published before still goes out. It
// returns nil, or ErrClosed if the bus ended by itself.
func (b *Bus) Run(ctx context.Context) error {
	defer b.stop()
	select {
	case <-ctx.Done():
	case <-b.closed:
		return ErrClosed
	}
	b.ending.Store(true)
	if !b.nc.IsConnected() || b.nc.Drain() != nil {
		b.nc.Close()
	}
	<-b.closed
	return nil
}

// Connected reports whether the bus can be reached now.
func (b *Bus) Connected() bool { return b.nc.IsConnected() }

// Changes ticks when the bus was lost or came back: what was said meanwhile was
// not heard. It has one reader.
func (b *Bus) Changes() <-chan struct{} { return b.changes }

func (b *Bus) changed() {
	select {
	case b.changes <- struct{}{}:
	default:
	}
}

// Dropped is how often a subscriber was too slow.
func (b *Bus) Dropped() uint64 { return b.dropped.Load() }

// Publish hands on a message to whoever subscribes now. Nil means that it is on
// its way, no more.
func (b *Bus) Publish(s Subject, data []byte) error {
	if err := b.check(s, data); err != nil {
		return err
	}
	return failure(b.nc.Publish(s.name, data))
}

// Message is one that arrived. Data belongs to the handler.
type Message struct {
	Data []byte
	m    *nats.Msg
}

// Reply answers a Request or Gather. To a message that was published it does
// nothing.
func (m Message) Reply(data []byte) error {
	if m.m.Reply == "" {
		return nil
	}
	if len(data) > MaxMessage {
		return ErrTooLarge
	}
	return failure(m.m.Respond(data))
}

// Subscription ends by Close.
type Subscription struct {
	s     *nats.Subscription
	ended chan struct{}
}

// Subscribe calls handle for every message, one after the other, until Close or
// the end of the bus. handle must not call Close.
func (b *Bus) Subscribe(s Subject, handle func(Message)) (*Subscription, error) {
	if err := b.check(s, nil); err != nil {
		return nil, err
	}
	sub, err := b.nc.Subscribe(s.name, func(m *nats.Msg) { handle(Message{Data: m.Data, m: m}) })
	if err != nil {
		return nil, failure(err)
	}
	out := &Subscription{s: sub, ended: make(chan struct{})}
	sub.SetClosedHandler(func(string) { close(out.ended) })
	if err := sub.SetPendingLimits(b.cfg.PendingMessages, b.cfg.PendingBytes); err != nil {
		return nil, errors.Join(failure(err), sub.Unsubscribe())
	}
	return out, nil
}

// Close ends the subscription and waits for its handler.
func (s *Subscription) Close() {
	if s.s.Unsubscribe() == nil {
		<-s.ended
	}
}

// Sync waits until the bus knows of every subscription made before: from then on
// every node reaches them. ErrUnavailable at once if the bus is gone, and soon if
// it does not answer.
func (b *Bus) Sync(ctx context.Context) error {
	if !b.Connected() {
		return ErrUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, syncTime)
	defer cancel()
	return failure(b.nc.FlushWithContext(ctx))
}

// Request asks whoever subscribes and returns the first answer. ErrNoResponder
// comes at once; ErrUnavailable if ctx ends first.
func (b *Bus) Request(ctx context.Context, s Subject, data []byte) ([]byte, error) {
	if err := b.check(s, data); err != nil {
		return nil, err
	}
	m, err := b.nc.RequestWithContext(ctx, s.name, data)
	if err != nil {
		return nil, failure(err)
	}
	return m.Data, nil
}

// Gather asks everybody who subscribes and returns what they answered until ctx
// ends, which must have a deadline: nobody knows how many there are. Nobody at
// all is no error and returns at once.
func (b *Bus) Gather(ctx context.Context, s Subject, data []byte) ([][]byte, error) {
	if err := b.check(s, data); err != nil {
		return nil, err
	}
	if _, ok := ctx.Deadline(); !ok {
		return nil, errors.New("bus: gathering needs a deadline")
	}
	inbox := b.nc.NewInbox()
	sub, err := b.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, failure(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := sub.SetPendingLimits(maxAnswers, b.cfg.PendingBytes); err != nil {
		return nil, failure(err)
	}
	if err := b.nc.PublishRequest(s.name, inbox, data); err != nil {
		return nil, failure(err)
	}
	var out [][]byte
	for len(out) < maxAnswers {
		m, err := sub.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, nats.ErrNoResponders):
			return out, nil
		case ctx.Err() != nil && b.Connected():
			return out, nil
		case err != nil:
			return out, failure(err)
		}
		out = append(out, m.Data)
	}
	return out, nil
}

func (b *Bus) check(s Subject, data []byte) error {
	switch {
	case s == Subject{}:
		return ErrSubject
	case len(data) > MaxMessage:
		return ErrTooLarge
	case b.nc.IsClosed():
		return ErrClosed
	case !b.nc.IsConnected() && !b.nc.IsDraining():
		return ErrUnavailable
	}
	return nil
}

// failure says what an error of NATS means to callers.
func failure(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrNoResponders):
		return ErrNoResponder
	case errors.Is(err, nats.ErrConnectionClosed):
		return ErrClosed
	case errors.Is(err, nats.ErrMaxPayload):
		return ErrTooLarge
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}
