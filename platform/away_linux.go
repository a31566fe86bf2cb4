package platform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// busTime bounds how long a bus may take to answer.
const busTime = 5 * time.Second

const (
	logind        = "org.freedesktop.login1"
	logindPath    = dbus.ObjectPath("/org/freedesktop/login1")
	logindManager = logind + ".Manager"
	logindSession = logind + ".Session"
	properties    = "org.freedesktop.DBus.Properties"
)

// savers are the screen savers' interfaces; they are their own bus names too.
var savers = [...]string{"org.freedesktop.ScreenSaver", "org.gnome.ScreenSaver"} //nolint:gochecknoglobals // a constant table

var errNoBus = errors.New("there is none")

func away(ctx context.Context, getenv func(string) string, log *slog.Logger) (<-chan struct{}, Capability) {
	out := make(chan struct{}, 1)
	var wg sync.WaitGroup
	follow := func(c *dbus.Conn, left func(*dbus.Signal) bool) {
		signals := make(chan *dbus.Signal, 16)
		c.Signal(signals)
		wg.Go(func() {
			defer c.Close() //nolint:errcheck // nothing is written
			if !tellLeft(ctx, signals, left, out) {
				log.Info("the bus is gone")
			}
		})
	}
	var works, missing []string
	note := func(what string, err error) {
		if err != nil {
			missing = append(missing, what+" ("+err.Error()+")")
			return
		}
		works = append(works, what)
	}
	system, session, err := logindBus(ctx, getenv)
	if err == nil {
		follow(system, func(s *dbus.Signal) bool { return logindLeft(s, session) })
		note("sleep", nil)
		if session == "" {
			note("lock and switch of users", errors.New("this program runs in no session of logind"))
		} else {
			note("lock and switch of users", nil)
		}
	} else {
		note("sleep, lock and switch of users: no logind", err)
	}
	saver, err := saverBus(ctx, getenv)
	if err == nil {
		follow(saver, saverLeft)
	}
	note("screen saver", err)
	go func() {
		wg.Wait()
		<-ctx.Done()
		close(out)
	}()
	c := Capability{Name: awayName, OK: len(missing) == 0, Detail: "everything is taken back on " + strings.Join(works, ", ")}
	if len(missing) > 0 {
		c.Detail = "not noticed: " + strings.Join(missing, ", ")
		c.Remedy = "stop sharing, or press the panic key, before you leave"
	}
	return out, c
}

// tellLeft reports to out, which may be full, when a signal says that the person
// left, until ctx ends; false when the bus ended.
func tellLeft(ctx context.Context, signals <-chan *dbus.Signal, left func(*dbus.Signal) bool, out chan<- struct{}) bool {
	for {
		select {
		case s, ok := <-signals:
			if !ok {
				return false
			}
			if left(s) {
				select {
				case out <- struct{}{}:
				default:
				}
			}
		case <-ctx.Done():
			return true
		}
	}
}

// connect opens a bus of its own for us; it never starts one.
func connect(ctx context.Context, address string) (*dbus.Conn, error) {
	if address == "" {
		return nil, errNoBus
	}
	// The library waits for the bus's greeting without a limit.
	life, cancel := context.WithCancel(ctx)
	limit := time.AfterFunc(busTime, cancel)
	c, err := dbus.Connect(address, dbus.WithContext(life))
	if !limit.Stop() || err != nil {
		cancel()
		return nil, errors.New("the bus does not answer")
	}
	context.AfterFunc(c.Context(), cancel)
	return c, nil
}

// logindBus connects to the system bus and asks for the signals of logind
// about this session; session is empty if there is none.
func logindBus(ctx context.Context, getenv func(string) string) (c *dbus.Conn, session dbus.ObjectPath, err error) {
	address := getenv("DBUS_SYSTEM_BUS_ADDRESS")
	if address == "" {
		address = "unix:path=/run/dbus/system_bus_socket"
	}
	if c, err = connect(ctx, address); err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			_ = c.Close()
			c = nil
		}
	}()
	ask, cancel := context.WithTimeout(ctx, busTime)
	defer cancel()
	manager := c.Object(logind, logindPath)
	// A call first: it tells whether there is a logind, and starts it.
	if err = manager.CallWithContext(ask, properties+".Get", 0, logindManager, "PreparingForSleep").Err; err != nil {
		return c, "", errors.New("it does not answer")
	}
	if id := getenv("XDG_SESSION_ID"); id != "" {
		_ = manager.CallWithContext(ask, logindManager+".GetSession", 0, id).Store(&session) // the next one knows better
	}
	if session == "" {
		_ = manager.CallWithContext(ask, logindManager+".GetSessionByPID", 0, uint32(os.Getpid())).Store(&session)
	}
	if session == "" { // a user service: logind names the user's session on the screen
		_ = manager.CallWithContext(ask, logindManager+".GetSession", 0, "auto").Store(&session)
	}
	match := func(path dbus.ObjectPath, iface, member string) {
		if err == nil {
			err = c.AddMatchSignalContext(ask, dbus.WithMatchSender(logind), dbus.WithMatchObjectPath(path),
				dbus.WithMatchInterface(iface), dbus.WithMatchMember(member))
		}
	}
	match(logindPath, logindManager, "PrepareForSleep")
	if session != "" {
		match(session, logindSession, "Lock")
		match(session, properties, "PropertiesChanged")
	}
	if err != nil {
		return c, "", fmt.Errorf("it does not tell: %w", err)
	}
	return c, session, nil
}

// logindLeft reports whether a signal of logind says that the person leaves.
func logindLeft(s *dbus.Signal, session dbus.ObjectPath) bool {
	switch {
	case s.Name == logindManager+".PrepareForSleep" && len(s.Body) == 1:
		before, _ := s.Body[0].(bool)
		return before
	case s.Path != session:
		return false
	case s.Name == logindSession+".Lock":
		return true
	case s.Name == properties+".PropertiesChanged" && len(s.Body) >= 2 && s.Body[0] == logindSession:
		changed, _ := s.Body[1].(map[string]dbus.Variant)
		locked, _ := changed["LockedHint"].Value().(bool)
		active, told := changed["Active"].Value().(bool)
		return locked || told && !active
	}
	return false
}

// saverBus connects to the session bus and asks for the screen savers' signals.
func saverBus(ctx context.Context, getenv func(string) string) (*dbus.Conn, error) {
	address := getenv("DBUS_SESSION_BUS_ADDRESS")
	if dir := getenv("XDG_RUNTIME_DIR"); address == "" && dir != "" {
		if p := filepath.Join(dir, "bus"); exists(p) {
			address = "unix:path=" + p
		}
	}
	c, err := connect(ctx, address)
	if err != nil {
		return nil, err
	}
	ask, cancel := context.WithTimeout(ctx, busTime)
	defer cancel()
	for _, iface := range savers {
		err = errors.Join(err, c.AddMatchSignalContext(ask, dbus.WithMatchInterface(iface), dbus.WithMatchMember("ActiveChanged")))
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// saverLeft reports whether a screen saver has begun.
func saverLeft(s *dbus.Signal) bool {
	for _, iface := range savers {
		if s.Name == iface+".ActiveChanged" && len(s.Body) == 1 {
			on, _ := s.Body[0].(bool)
			return on
		}
	}
	return false
}
