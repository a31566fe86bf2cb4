package mail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// ErrPublic means that a Sink would give codes of strangers to nobody.
var ErrPublic = errors.New("mail: the development mailbox is for a service on loopback alone: say --mail-file FILE, with smtps://user:password@host?from=ADDRESS in it, or --listen 127.0.0.1:7465")

// Sink writes mails to files, for development.
type Sink struct {
	dir     string
	mu      sync.Mutex
	console io.Writer
}

// NewSink writes mails to dir, which is made, and codes to console. ErrPublic
// unless the service listens on loopback, at.
func NewSink(dir string, console io.Writer, at net.Addr) (*Sink, error) {
	if t, ok := at.(*net.TCPAddr); !ok || !t.IP.IsLoopback() {
		return nil, ErrPublic
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return &Sink{dir: dir, console: console}, nil
}

// Send writes a file of mode 0600 and a line on the console.
func (s *Sink) Send(_ context.Context, m Message) error {
	f, err := os.CreateTemp(s.dir, "mail-*.txt") // mode 0600
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	_, err = fmt.Fprintf(f, "To: %s\nSubject: %s\n\n%s", m.To, m.Subject, m.Text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	line := "mail without a code"
	if m.Code != "" {
		line = "mail with the code " + m.Code
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := fmt.Fprintf(s.console, "%s: %s\n", line, filepath.Base(f.Name())); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}
