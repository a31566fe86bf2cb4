// Command viewflip shares single windows with other people, and shows theirs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"viewflip.app/cmd/viewflip/internal/accountcmd"
	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/demo"
	"viewflip.app/cmd/viewflip/internal/doctor"
	"viewflip.app/cmd/viewflip/internal/gui"
	"viewflip.app/cmd/viewflip/internal/share"
	"viewflip.app/cmd/viewflip/internal/system"
)

// version is set by the build with -ldflags -X.
var version = "dev"

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

type entry struct {
	name, args, about string
	run               func(ctx context.Context, w command.World, args []string) error
}

func commands() []entry {
	return []entry{
		{"windows", "[--json]", "list the windows that can be shared", share.Windows},
		{"share", "--window ID|TITLE … [--grant see|point|control[+paste][+copy]] [--uses N] [--call CONTACT] [--name NAME] [--json]", "share windows without a GUI and print the link, or call a contact", share.Run},
		{"join", "LINK [--name NAME] [--control] [--stats]", "open the windows that are shared in a call", gui.Join},
		{"signup", "[--service URL] [--email ADDRESS] [--name NAME]", "make an account at your team's service: no password, the key stays in the keychain", accountcmd.Signup},
		{"account", "[show|name|findable|rename|remove-device|join|link|kit|recover|export|delete] …", "your account and its devices; \"viewflip account help\" says more", accountcmd.Account},
		{"contacts", "[list|invite|accept|ask|yes|no|block|remove] …", "whom you can call; \"viewflip contacts help\" says more", accountcmd.Contacts},
		{"answer", "[--control] [--yes]", "wait for a contact who calls, and open the windows that they share", gui.Answer},
		{"demo", "[--out DIR]", "show on two virtual displays that sharing and control work, and save pictures of it", demo.Run},
		{"doctor", "", "say what works here and what is missing", doctor.Run},
		{"version", "", "print the version", runVersion},
	}
}

func main() {
	command.KeepBrokenPipes()
	startNoBus()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, command.World{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}, os.Args[1:]))
}

func run(ctx context.Context, w command.World, args []string) int {
	err := dispatch(ctx, w, args)
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return exitOK
	case errors.Is(err, syscall.EPIPE): // "viewflip windows | head": nobody is there to read a sentence about it
		return exitError
	case errors.Is(err, command.ErrUsage), errors.Is(err, flag.ErrHelp):
		return exitUsage
	default:
		_, _ = fmt.Fprintf(w.Stderr, "viewflip: %v\n", command.Plain(err))
		return exitError
	}
}

func dispatch(ctx context.Context, w command.World, args []string) error {
	if len(args) == 0 {
		return gui.Home(ctx, w, nil)
	}
	switch name := args[0]; {
	case name == "help" || name == "-h" || name == "--help":
		help(w.Stdout)
		return nil
	case name == demo.PictureCommand:
		return demo.RunPicture(ctx, w, args[1:])
	case name == system.GuardianCommand:
		return runGuardian(ctx, w, args[1:])
	case strings.HasPrefix(name, "viewflip:") || strings.HasPrefix(name, "--name"):
		return gui.Home(ctx, w, args)
	default:
		for _, c := range commands() {
			if c.name == name {
				return c.run(ctx, w, args[1:])
			}
		}
		_, _ = fmt.Fprintf(w.Stderr, "viewflip: there is no command %q; \"viewflip help\" lists them\n", name)
		return command.ErrUsage
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

func runVersion(_ context.Context, w command.World, _ []string) error {
	_, err := fmt.Fprintln(w.Stdout, "viewflip", version)
	return err
}
