package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"viewflip.app/service"
	"viewflip.app/service/client"
	"viewflip.app/wire"
)

// fake is one connection to a service that behaves as a test wants.
type fake struct {
	ctx context.Context //nolint:containedctx // the fake lives as long as the test
	ws  *websocket.Conn
}

func (f fake) send(id uint32, body wire.FrameBody) error {
	b, err := wire.AppendFrame(nil, wire.Frame{ID: id, Body: body})
	if err != nil {
		return err
	}
	return f.ws.Write(f.ctx, websocket.MessageBinary, b)
}

func (f fake) read() (wire.Frame, error) {
	_, b, err := f.ws.Read(f.ctx)
	if err != nil {
		return wire.Frame{}, err
	}
	return wire.ParseFrame(b)
}

// welcome lets anybody in.
func (f fake) welcome() {
	for _, b := range []wire.FrameBody{wire.Challenge{}, wire.Welcome{}} {
		if in, err := f.read(); err != nil || f.send(in.ID, b) != nil {
			return
		}
	}
}

// serveFake runs serve for every connection; it has the pin that it should.
func serveFake(t *testing.T, serve func(f fake)) wire.Service {
	t.Helper()
	cert, err := service.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	pin, err := service.Pin(cert)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		ws.SetReadLimit(-1)
		serve(fake{ctx, ws})
		_ = ws.CloseNow()
	}))
	srv.TLS = testTLS(cert)
	srv.StartTLS()
	t.Cleanup(func() { cancel(); srv.Close() })
	return wire.Service{Addrs: []string{srv.Listener.Addr().String()}, Pin: pin}
}

// What the service delivers again is read once, and acknowledged again.
func TestDeliveredAgain(t *testing.T) {
	acks := make(chan uint32, 10)
	s := serveFake(t, func(f fake) {
		f.welcome()
		a, b := wire.Deliver{Sealed: []byte("a")}, wire.Deliver{Sealed: []byte("b")}
		_ = f.send(7, a)
		_ = f.send(7, a) // not read yet
		for _, next := range []wire.Deliver{a /* read already */, b /* the id of a service that restarted */} {
			in, err := f.read()
			if err != nil {
				return
			}
			acks <- in.ID
			_ = f.send(7, next)
		}
		_, _ = f.read()
	})
	d := newDevice(t, s, nil)
	d.read(t, "a")
	for range 2 {
		select {
		case id := <-acks:
			if id != 7 {
				t.Errorf("acknowledged %d", id)
			}
		case <-time.After(patience):
			t.Fatal("not acknowledged")
		}
	}
	d.read(t, "b")
	if err := d.end(); err != nil {
		t.Error(err)
	}
	if got, err := d.Recv(t.Context()); !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("read twice: %q, %v", got.Sealed, err)
	}
}

// A service that breaks the protocol loses the connection, and nothing else
// happens; the client tries again.
func TestProtocolBroken(t *testing.T) {
	for what, serve := range map[string]func(f fake){
		"noise": func(f fake) {
			f.welcome()
			_ = f.ws.Write(f.ctx, websocket.MessageBinary, []byte("noise"))
		},
		"a frame out of place": func(f fake) {
			f.welcome()
			_ = f.send(1, wire.ServiceHello{Version: 1})
		},
		"oversized": func(f fake) {
			f.welcome()
			_ = f.ws.Write(f.ctx, websocket.MessageBinary, make([]byte, wire.MaxFrame+1))
		},
		"a flood": func(f fake) {
			f.welcome()
			for i := uint32(1); f.send(i, wire.Deliver{Sealed: make([]byte, 100)}) == nil && i < 1e5; i++ {
			}
		},
		"welcome at once": func(f fake) {
			_, _ = f.read()
			_ = f.send(1, wire.Welcome{})
		},
		"noise at once": func(f fake) { _ = f.ws.Write(f.ctx, websocket.MessageBinary, []byte{1}) },
	} {
		connections := make(chan struct{}, 100)
		s := serveFake(t, func(f fake) {
			connections <- struct{}{}
			serve(f)
			_, _ = f.read()
			_, _ = f.read()
		})
		d := newDevice(t, s, nil)
		for range 2 {
			select {
			case <-connections:
			case err := <-d.ran:
				t.Fatalf("%s: run ended: %v", what, err)
			case <-time.After(patience):
				t.Fatalf("%s: it does not connect again", what)
			}
		}
		if err := d.end(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Some answers are final, and say what to do.
func TestFinal(t *testing.T) {
	for _, c := range []struct {
		serve func(f fake)
		want  error
	}{
		{func(f fake) { _, _ = f.read(); _ = f.ws.Close(4002, "") }, client.ErrVersion},
		{func(f fake) { _, _ = f.read(); _ = f.send(1, wire.Error{Code: wire.CodeAuthFailed}); _, _ = f.read() }, client.ErrAuth},
		{func(f fake) { _, _ = f.read(); _ = f.ws.Close(4003, "") }, client.ErrAuth},
		{func(f fake) { f.welcome(); _ = f.ws.Close(4001, "") }, client.ErrReplaced},
	} {
		d := newDevice(t, serveFake(t, c.serve), nil)
		select {
		case err := <-d.ran:
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		case <-time.After(patience):
			t.Errorf("it goes on after %v", c.want)
		}
		if _, err := d.Recv(soon(t)); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}

func TestWrongAnswers(t *testing.T) {
	answers := []wire.FrameBody{wire.OK{}, wire.Error{Code: wire.CodeUnavailable}, wire.Error{Code: wire.CodeMalformed}}
	s := serveFake(t, func(f fake) {
		f.welcome()
		for _, a := range answers {
			in, err := f.read()
			if err != nil {
				return
			}
			_ = f.send(in.ID+1000, wire.Found{}) // nobody asked
			_ = f.send(0, wire.Error{Code: wire.CodeMalformed})
			_ = f.send(in.ID, a)
			_ = f.send(in.ID, a) // once more
		}
		_, _ = f.read()
	})
	d := newDevice(t, s, nil)
	for _, a := range answers {
		if dev, err := d.Lookup(soon(t), wire.InviteID{}); !errors.Is(err, client.ErrUnavailable) || dev != (wire.Device{}) {
			t.Errorf("%#v: %v", a, err)
		}
	}
}

// A redirect leads nowhere: neither to another service nor out of TLS.
func TestRedirect(t *testing.T) {
	led := make(chan string, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { led <- r.URL.Path }))
	defer elsewhere.Close()
	cert, err := service.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	pin, err := service.Pin(cert)
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 100)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/ws", http.StatusTemporaryRedirect)
		asked <- struct{}{}
	}))
	srv.TLS = testTLS(cert)
	srv.StartTLS()
	defer srv.Close()
	d := newDevice(t, wire.Service{Addrs: []string{strings.TrimPrefix(srv.URL, "https://")}, Pin: pin}, nil)
	for range 2 { // it tries again, and again here
		select {
		case <-asked:
		case <-time.After(patience):
			t.Fatal("never asked")
		}
	}
	if err := d.end(); err != nil {
		t.Error(err)
	}
	if len(led) > 0 {
		t.Error("it followed")
	}
}
