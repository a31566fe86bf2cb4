package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	"viewflip.app/service"
	"viewflip.app/service/accounts"
	"viewflip.app/wire"
)

// version is set by the build with -ldflags -X.
var version = "dev"

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

const defaultListen = ":7465"

const usage = `viewflipd is the viewflip service: devices find each other through it, and hand
each other sealed messages that it cannot read. Pictures and input pass it
only where no direct path leads, encrypted from end to end.

  viewflipd serve [--listen ADDR] [--data DIR] [--advertise HOST:PORT,…] [--log-level LEVEL]
                  [--db URL | --db-file FILE] [--bus URL | --bus-file FILE] [--mail URL | --mail-file FILE]
                  [--master-key FILE] [--name NAME] [--admin ADDR] [--guests on|off] [--signup open|invited]
                  [--relay on|off] [--relay-ports MIN-MAX] [--relay-allow CIDR,…] [--relay-address IP,…]
                  [--turn URL,… --turn-secret-file FILE]
        run the service until it is interrupted; prints on standard output the
        line that clients need in VIEWFLIP_SERVICE
` + adminUsage + `  viewflipd version
        print the version
  viewflipd help
        print this

Settings: by flag, or by environment where there is no flag.
  --listen      VIEWFLIP_LISTEN     where to listen (default: :7465)
  --data        VIEWFLIP_DATA       directory of the TLS key, the relay's secret, the
                                    master key and the database
                                    (default: $STATE_DIRECTORY, as systemd sets it,
                                    else viewflipd in your configuration directory)
  --advertise   VIEWFLIP_ADVERTISE  up to four addresses under which clients reach
                                    it (default: those of this machine)
  --relay       VIEWFLIP_RELAY      on or off: whether calls to which no direct path
                                    leads go through this machine, encrypted end to
                                    end (TURN: UDP and TLS on the port of --listen)
  --relay-ports VIEWFLIP_RELAY_PORTS      UDP ports of relayed calls (default:
                                    49200-50223)
  --relay-allow VIEWFLIP_RELAY_ALLOW      private networks that it may reach (default:
                                    none; public addresses alone)
  --relay-address VIEWFLIP_RELAY_ADDRESS  its address as others see it, one for IPv4
                                    and one for IPv6 (default: of --advertise)
  --turn        VIEWFLIP_TURN       instead: URLs of a coturn, such as
                                    turns:turn.example.org:5349?transport=tcp
  --turn-secret-file VIEWFLIP_TURN_SECRET_FILE  file of its static-auth-secret
` + accountUsage + `  --log-level   VIEWFLIP_LOG        debug, info, warn or error (default: info)

Clients trust the key in the data directory: keep it, and keep it to yourself.
Exit codes: 0 stopped, 1 failed (one sentence says why), 2 wrong usage.
`

// errUsage marks a wrong command line; its text was printed already.
var errUsage = errors.New("wrong usage")

// env is everything the program may touch.
type env struct {
	stdout, stderr io.Writer
	getenv         func(string) string
}

func run(ctx context.Context, e env, args []string) int {
	err := dispatch(ctx, e, args)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUsage):
		return exitUsage
	default:
		_, _ = fmt.Fprintf(e.stderr, "viewflipd: %v\n", strings.NewReplacer("service: ", "", "accounts: ", "", "store: ", "", "bus: ", "", "mail: ", "", "relay: ", "").Replace(err.Error()))
		return exitError
	}
}

func dispatch(ctx context.Context, e env, args []string) error {
	if len(args) == 0 {
		_, _ = io.WriteString(e.stderr, usage)
		return errUsage
	}
	switch args[0] {
	case "serve":
		return serve(ctx, e, args[1:])
	case "backup":
		return backup(ctx, e, args[1:])
	case "restore":
		return restore(ctx, e, args[1:])
	case "rotate-keys":
		return rotateKeys(ctx, e, args[1:])
	case "users":
		return users(ctx, e, args[1:])
	case "version", "--version":
		_, err := fmt.Fprintln(e.stdout, "viewflipd", version)
		return err
	case "help", "-h", "--help":
		_, err := io.WriteString(e.stdout, usage)
		return err
	default:
		return e.misused("there is no command %q", args[0])
	}
}

// misused prints what is wrong with the command line.
func (e env) misused(format string, a ...any) error {
	_, _ = fmt.Fprintf(e.stderr, "viewflipd: "+format+"; \"viewflipd help\" says what there is\n", a...)
	return errUsage
}

// settings of serve.
type settings struct {
	listen, data string
	advertise    []string // empty: found out
	level        slog.Level
	relay        relaySettings
	accounts     accountSettings
}

// addresses reads --advertise; none if it is empty.
func (e env) addresses(list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	out := strings.Split(list, ",")
	if _, err := wire.ParseServiceURL(wire.Service{Addrs: out}.URL()); err != nil {
		return nil, e.misused("%q is not a list of one to four host:port", list)
	}
	return out, nil
}

func (e env) settings(args []string) (s settings, err error) {
	or := func(name, otherwise string) string {
		if v := e.getenv(name); v != "" {
			return v
		}
		return otherwise
	}
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	var advertise, level, relayed, guests, signup string
	fs.StringVar(&s.listen, "listen", or("VIEWFLIP_LISTEN", defaultListen), "")
	fs.StringVar(&s.data, "data", e.dataDir(), "")
	fs.StringVar(&advertise, "advertise", e.getenv("VIEWFLIP_ADVERTISE"), "")
	fs.StringVar(&relayed, "relay", or("VIEWFLIP_RELAY", "on"), "")
	fs.StringVar(&s.relay.turn, "turn", e.getenv("VIEWFLIP_TURN"), "")
	fs.StringVar(&s.relay.secretFile, "turn-secret-file", e.getenv("VIEWFLIP_TURN_SECRET_FILE"), "")
	fs.StringVar(&s.relay.ports, "relay-ports", e.getenv("VIEWFLIP_RELAY_PORTS"), "")
	fs.StringVar(&s.relay.allow, "relay-allow", e.getenv("VIEWFLIP_RELAY_ALLOW"), "")
	fs.StringVar(&s.relay.address, "relay-address", e.getenv("VIEWFLIP_RELAY_ADDRESS"), "")
	hidden := []concealed{e.concealed(fs, "db", &s.accounts.db), e.concealed(fs, "bus", &s.accounts.bus), e.concealed(fs, "mail", &s.accounts.mail)}
	fs.StringVar(&s.accounts.masterKey, "master-key", "", "")
	fs.StringVar(&s.accounts.name, "name", e.getenv("VIEWFLIP_NAME"), "")
	fs.StringVar(&s.accounts.admin, "admin", e.getenv("VIEWFLIP_ADMIN"), "")
	fs.StringVar(&guests, "guests", or("VIEWFLIP_GUESTS", "on"), "")
	fs.StringVar(&signup, "signup", or("VIEWFLIP_SIGNUP", "open"), "")
	fs.StringVar(&level, "log-level", or("VIEWFLIP_LOG", "info"), "")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return s, flag.ErrHelp
	case err != nil:
		return s, e.misused("%v", err)
	case fs.NArg() > 0:
		return s, e.misused("serve takes no argument %q", fs.Arg(0))
	}
	if err := e.reveal(fs, hidden...); err != nil {
		return s, err
	}
	if err := s.level.UnmarshalText([]byte(level)); err != nil {
		return s, e.misused("the log level %q is none of debug, info, warn, error", level)
	}
	if s.accounts.guests = guests == "on"; !s.accounts.guests && guests != "off" {
		return s, e.misused("--guests is %q, neither on nor off", guests)
	}
	if s.accounts.invited = signup == "invited"; !s.accounts.invited && signup != "open" {
		return s, e.misused("--signup is %q, neither open nor invited", signup)
	}
	if s.relay.on = relayed == "on"; !s.relay.on && relayed != "off" {
		return s, e.misused("--relay is %q, neither on nor off", relayed)
	}
	if s.advertise, err = e.addresses(advertise); err != nil {
		return s, err
	}
	if s.data == "" {
		return s, e.misused("there is no directory for the TLS key: say --data DIR")
	}
	return s, nil
}

func serve(ctx context.Context, e env, args []string) error {
	s, err := e.settings(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err := io.WriteString(e.stdout, usage)
		return err
	}
	if err != nil {
		return err
	}
	if err := ownDir(s.data); err != nil {
		return err
	}
	s.relay.read = e.secretFile
	cert, err := service.LoadOrCreateCertificate(s.data)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: s.level}))
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fmt.Errorf("it cannot listen on %s: %w", s.listen, err)
	}
	if len(s.advertise) == 0 {
		s.advertise = service.Advertise(ln.Addr())
	}
	rel, err := s.relay.open(ctx, ln.Addr(), s.advertise, s.data, log)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	cfg := accounts.Config{Mailbox: service.Config{Certificate: cert, Relay: rel, Log: log}}
	return s.accounts.run(ctx, e, s, cfg, ln, func(srv *accounts.Service) error {
		if _, err := fmt.Fprintln(e.stdout, wire.Service{Addrs: s.advertise, Pin: srv.Pin()}.URL()); err != nil {
			return fmt.Errorf("its address cannot be printed: %w", err)
		}
		return nil
	})
}
