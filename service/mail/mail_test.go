package mail_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"viewflip.app/service/mail"
)

// sink is a real SMTP server that keeps what it gets.
type sink struct{ got chan string }

func (s sink) NewSession(*smtp.Conn) (smtp.Session, error) { return s, nil }
func (sink) Mail(string, *smtp.MailOptions) error          { return nil }
func (sink) Reset()                                        {}
func (sink) Logout() error                                 { return nil }

func (sink) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "refused") {
		return errors.New("no " + to)
	}
	return nil
}

func (s sink) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.got <- string(b)
	return err
}

func TestSMTP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := sink{make(chan string, 1)}
	srv := smtp.NewServer(s)
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	m, err := mail.NewSMTP("smtp://"+ln.Addr().String()+"?from=service@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	msg := mail.Code("Example", "12345678")
	msg.To = "ann@example.org"
	if err := m.Send(context.Background(), msg); err != nil {
		t.Fatal(err)
	}
	if got := <-s.got; !strings.Contains(got, "1234 5678") || !strings.Contains(got, "ann@example.org") {
		t.Error(got)
	}
	msg.To = "refused@example.org"
	if err := m.Send(context.Background(), msg); !errors.Is(err, mail.ErrSend) || strings.Contains(err.Error(), "example") {
		t.Error(err)
	}
	for _, bad := range []string{"", "http://h?from=a@b.c", "smtps://h", "smtp://h?from=a@b.c&x=1", "smtp://h:0?from=a@b.c"} {
		if _, err := mail.NewSMTP(bad, nil); !errors.Is(err, mail.ErrURL) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSink(t *testing.T) {
	var console bytes.Buffer
	dir := t.TempDir()
	if _, err := mail.NewSink(dir, &console, &net.TCPAddr{IP: net.IPv4zero}); !errors.Is(err, mail.ErrPublic) {
		t.Errorf("in public: %v", err)
	}
	s, err := mail.NewSink(dir, &console, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	msg := mail.Recovery("Example", "12345678")
	msg.To = "ann@example.org"
	if err := s.Send(context.Background(), msg); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(console.String(), "12345678") || strings.Contains(console.String(), "ann@") {
		t.Error(console.String())
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	if i, err := os.Stat(files[0]); err != nil || i.Mode().Perm() != 0o600 {
		t.Error(i.Mode(), err)
	}
}
