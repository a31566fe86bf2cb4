// Command viewflip shares single windows with other people, and shows theirs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// version is set by the build with -ldflags -X.
var version = "dev"

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// errUsage marks a wrong command line; its text was printed already.
var errUsage = errors.New("wrong usage")

// world is everything a command may touch.
type world struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

type command struct {
	name, args, about string
	run               func(ctx context.Context, w world, args []string) error
}

func commands() []command {
	return []command{
		{"windows", "[--json]", "list the windows that can be shared", runWindows},
		{"share", "--window ID|TITLE … [--grant see|point|control[+paste][+copy]] [--uses N] [--call CONTACT] [--name NAME] [--json]", "share windows without a GUI and print the link, or call a contact", runShare},
		{"join", "LINK [--name NAME] [--control] [--stats]", "open the windows that are shared in a call", runJoin},
		{"signup", "[--service URL] [--email ADDRESS] [--name NAME]", "make an account at your team's service: no password, the key stays in the keychain", runSignup},
		{"account", "[show|name|findable|rename|remove-device|join|link|kit|recover|export|delete] …", "your account and its devices; \"viewflip account help\" says more", runAccount},
		{"contacts", "[list|invite|accept|ask|yes|no|block|remove] …", "whom you can call; \"viewflip contacts help\" says more", runContacts},
		{"answer", "[--control] [--yes]", "wait for a contact who calls, and open the windows that he shares", runAnswer},
		{"demo", "[--out DIR]", "show on two virtual displays that sharing and control work, and save pictures of it", runDemo},
		{"doctor", "", "say what works here and what is missing", runDoctor},
		{"version", "", "print the version", runVersion},
	}
}

func main() {
	keepBrokenPipes()
	startNoBus()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, world{os.Stdin, os.Stdout, os.Stderr, os.Getenv}, os.Args[1:]))
}

func run(ctx context.Context, w world, args []string) int {
	err := dispatch(ctx, w, args)
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return exitOK
	case errors.Is(err, syscall.EPIPE): // "viewflip windows | head": nobody is there to read a sentence about it
		return exitError
	case errors.Is(err, errUsage), errors.Is(err, flag.ErrHelp):
		return exitUsage
	default:
		_, _ = fmt.Fprintf(w.stderr, "viewflip: %v\n", plain(err))
		return exitError
	}
}

// plain removes package prefixes: they help in logs, not people.
func plain(err error) string {
	s := err.Error()
	for _, p := range []string{"session: ", "capture: ", "platform: ", "client: ", "wire: ", "rtc: ", "input: ", "keychain: ", "service: ", "xtest: ", "virtual: ", "x11: ", "ui: "} {
		s = strings.ReplaceAll(s, p, "")
	}
	return s
}

func dispatch(ctx context.Context, w world, args []string) error {
	if len(args) == 0 {
		return runGUI(ctx, w, nil)
	}
	switch name := args[0]; {
	case name == "help" || name == "-h" || name == "--help":
		help(w.stdout)
		return nil
	case name == guardianCommand:
		return runGuardian(ctx, w, args[1:])
	case strings.HasPrefix(name, "viewflip:") || strings.HasPrefix(name, "--name"):
		return runGUI(ctx, w, args)
	default:
		for _, c := range commands() {
			if c.name == name {
				return c.run(ctx, w, args[1:])
			}
		}
		_, _ = fmt.Fprintf(w.stderr, "viewflip: there is no command %q; \"viewflip help\" lists them\n", name)
		return errUsage
	}
}

func help(out io.Writer) {
	b := &strings.Builder{}
	b.WriteString("viewflip shares single windows; others see, point, click and type in them and nowhere else.\n\n")
	b.WriteString("  viewflip [LINK] [--name NAME]\n        open the window in which windows are chosen and shared; with a link, ask whether to join its call\n")
	for _, c := range commands() {
		fmt.Fprintf(b, "  viewflip %s\n        %s\n", strings.TrimSpace(c.name+" "+c.args), c.about)
	}
	b.WriteString(`
Settings (environment):
  VIEWFLIP_NAME         how others see you (default: your user name)
  VIEWFLIP_SERVICE      viewflip-service://host:port?p=… of your team's service
                        (default: a private service inside this program)
  VIEWFLIP_ADVERTISE    host:port,… under which the private service can be reached
  VIEWFLIP_LISTEN       where the private service listens (default: any free port)
  VIEWFLIP_KEYCHAIN     os, file or memory: where the device key is kept
                        (default: os, else memory: an identity for this run only)
  VIEWFLIP_PASSPHRASE   opens the file keychain without a question
  VIEWFLIP_ICE          stun:host:port or turn:host:port?user=U&pass=P, comma-separated
  VIEWFLIP_INJECTOR     xtest or robotgo: what makes mouse and key events (default: xtest)
  VIEWFLIP_PANIC        the key combination that takes everything back from everybody
                        (default: Ctrl+Alt+Shift+Escape)
  VIEWFLIP_CURSOR       second or shared: whether guests have a pointer and keyboard of
                        their own (default: second, where the X server can do it)
  VIEWFLIP_LOG          debug, info, warn or error (default: warn)
  VIEWFLIP_STATS        how often, such as 10s, to write goroutines, heap and network
                        bytes to stderr, one JSON object a line (default: never)

Events of "share --json" are one JSON object a line: link, joined, left, asked,
granted, refused, revoked, watching, stopped_watching, shared, unshared.
Exit codes: 0 done, 1 failed (one sentence says why), 2 wrong usage.
`)
	_, _ = io.WriteString(out, b.String())
}

func runVersion(_ context.Context, w world, _ []string) error {
	_, err := fmt.Fprintln(w.stdout, "viewflip", version)
	return err
}

// newFlags makes a flag set that prints usage to stderr and lets flags stand
// behind arguments too.
func newFlags(w world, name string) *flag.FlagSet {
	fs := flag.NewFlagSet("viewflip "+name, flag.ContinueOnError)
	fs.SetOutput(w.stderr)
	return fs
}

// parse parses flags wherever they stand and returns the arguments.
func parse(fs *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			return nil, errUsage
		}
		args = fs.Args()
		if len(args) > 0 {
			rest = append(rest, args[0])
			args = args[1:]
		}
	}
	return rest, nil
}

func (w world) logger() *slog.Logger {
	level := slog.LevelWarn
	if s := w.getenv("VIEWFLIP_LOG"); s != "" {
		if err := level.UnmarshalText([]byte(s)); err != nil {
			_, _ = fmt.Fprintln(w.stderr, "viewflip: VIEWFLIP_LOG is none of debug, info, warn, error: using warn")
		}
	}
	return slog.New(slog.NewTextHandler(w.stderr, &slog.HandlerOptions{Level: level}))
}
