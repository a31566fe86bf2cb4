package ui

import (
	"context"
	"errors"
	"os"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// accountDialog is where a person looks after the account.
type accountDialog struct {
	p       *program
	name    *widget.Entry
	save    *widget.Button
	find    *widget.Check
	setting bool
	devices *rows[DeviceID, *deviceRow]
	add     *addDevice
	kit     *kitBox
	verdict *para
	calls   *para // who calls meanwhile
	body    *fyne.Container
	scroll  *container.Scroll
	dialog  *dialog.CustomDialog
}

func newAccountDialog(p *program) *accountDialog {
	a := &accountDialog{p: p}
	p.account = a
	people := p.o.People
	a.calls = newPara("", theme.ColorNameWarning, theme.SizeNameText)
	a.verdict = newPara("", theme.ColorNameError, theme.SizeNameText)
	a.name = widget.NewEntry()
	a.name.SetText(p.people.Name)
	a.save = widget.NewButton("Save", func() {
		name := strings.TrimSpace(a.name.Text)
		a.do(func(ctx context.Context) error { return people.SetName(ctx, name) }, "Whoever has you in his list already decides himself whether to call you "+name+".")
	})
	a.name.OnChanged = func(string) { a.able() }
	a.find = widget.NewCheck("Let people who know my address ask me", func(on bool) {
		if !a.setting {
			a.do(func(ctx context.Context) error { return people.SetFindable(ctx, on) }, "")
		}
	})
	a.devices = newRows[DeviceID, *deviceRow](4)
	a.add = newAddDevice(p)
	a.kit = newKitBox(p)
	export := widget.NewButtonWithIcon("Export…", theme.DocumentSaveIcon(), a.export)
	remove := widget.NewButton("Delete account…", a.remove)
	remove.Importance = widget.DangerImportance
	section := func(title string, o ...fyne.CanvasObject) fyne.CanvasObject {
		return column(8, append([]fyne.CanvasObject{strong(title)}, o...)...)
	}
	a.body = column(18,
		section("Name", container.NewBorder(nil, nil, nil, row(0, sized(8, 0, newPanel("", "", 0)), sized(72, 0, a.save)), a.name), a.find),
		widget.NewSeparator(),
		section("Devices", a.devices.box, a.add.root),
		widget.NewSeparator(),
		section("Recovery kit", a.kit.root),
		widget.NewSeparator(),
		section("Your data",
			quiet("The export is everything that the service has about you. Deleting erases it there, at once and for good.").Container,
			row(8, export, remove)))
	a.scroll = container.NewVScroll(inset(4, 12, a.body))
	a.dialog = dialog.NewCustom("Account", "Close", sized(560, 470, container.NewBorder(inset(0, 12, column(4, a.calls.Container, a.verdict.Container)), nil, nil, nil, a.scroll)), p.home.win)
	a.dialog.SetOnClosed(func() { p.account = nil; a.add.reset() })
	a.tell("", "")
	a.update(p.people)
	a.dialog.Show()
	return a
}

// do asks the service and says how it went.
func (a *accountDialog) do(f func(ctx context.Context) error, done string) {
	a.p.reach(f, func(err error) {
		if err != nil {
			a.tell(sentence(err), theme.ColorNameError)
		} else {
			a.tell(done, theme.ColorNameSuccess)
		}
		a.update(a.p.people)
	})
}

func (a *accountDialog) tell(text string, color fyne.ThemeColorName) {
	if color != "" {
		a.verdict.tint(color)
	}
	a.verdict.set(text)
	visible(a.verdict, text != "")
	a.dialog.Refresh()
}

func (a *accountDialog) able() {
	if n := strings.TrimSpace(a.name.Text); n == "" || n == a.p.people.Name {
		a.save.Disable()
		return
	}
	a.save.Enable()
}

// update shows a state of the account.
func (a *accountDialog) update(st PeopleState) {
	if !st.SignedUp {
		a.dialog.Hide()
		return
	}
	visible(a.calls, len(st.Rings) > 0)
	if len(st.Rings) > 0 {
		a.calls.set(nameOf(st.Rings[0].From.Name) + " calls. Close this to answer.")
	}
	a.dialog.Refresh()
	a.setting = true
	a.find.SetChecked(st.Findable)
	a.setting = false
	a.able()
	a.devices.begin()
	for _, d := range st.Devices {
		a.devices.put(d.ID, func() (*deviceRow, fyne.CanvasObject) {
			r := newDeviceRow(a.p)
			return r, r.root
		}).update(d, len(st.Devices) == 1)
	}
	moved := a.devices.end()
	a.kit.update(st)
	if moved {
		a.body.Refresh()
	}
}

// export writes what the service knows to a file of the person's choice.
func (a *accountDialog) export() {
	var data []byte
	a.p.reach(func(ctx context.Context) (err error) {
		data, err = a.p.o.People.Export(ctx)
		return err
	}, func(err error) {
		if err != nil {
			a.tell(sentence(err), theme.ColorNameError)
			return
		}
		a.p.saveFile("viewflip-account.json", data, func(name string, err error) {
			if err != nil {
				a.tell("The file could not be written.", theme.ColorNameError)
				return
			}
			a.tell("Your data is in "+name+".", theme.ColorNameSuccess)
		})
	})
}

// saveFile writes data to a file of the person's choice and passes its name on;
// done is not called if they choose none.
func (p *program) saveFile(name string, data []byte, done func(name string, err error)) {
	d := dialog.NewFileSave(func(w fyne.URIWriteCloser, err error) {
		if err != nil {
			done("", err)
			return
		}
		if w == nil {
			return
		}
		done(w.URI().Name(), writeFile(w, data))
	}, p.home.win)
	d.SetFileName(name)
	d.Show()
}

// writeFile writes data for the owner of the file alone, and closes it.
func writeFile(w fyne.URIWriteCloser, data []byte) (err error) {
	if w.URI().Scheme() == "file" {
		err = os.Chmod(w.URI().Path(), 0o600)
	}
	if err == nil {
		_, err = w.Write(data)
	}
	return errors.Join(err, w.Close())
}

// deleteWord is what is typed to delete an account.
const deleteWord = "DELETE"

// remove deletes the account once the word was typed.
func (a *accountDialog) remove() {
	word := widget.NewEntry()
	word.SetPlaceHolder(deleteWord)
	var d *dialog.CustomDialog
	yes := widget.NewButton("Delete for good", func() {
		if word.Text != deleteWord {
			return
		}
		d.Hide()
		a.do(a.p.o.People.Delete, "")
	})
	yes.Importance = widget.DangerImportance
	yes.Disable()
	word.OnChanged = func(s string) {
		if s == deleteWord {
			yes.Enable()
		} else {
			yes.Disable()
		}
	}
	cancel := widget.NewButton("Cancel", func() { d.Hide() })
	d = dialog.NewCustomWithoutButtons("Delete the account?", sized(440, 0, column(14,
		quiet("You disappear from everybody's list, and all your devices are logged out. Nothing brings the account back. Type "+deleteWord+" to confirm.").Container,
		word, container.NewBorder(nil, nil, cancel, yes))), a.p.home.win)
	d.Show()
	a.p.home.win.Canvas().Focus(word)
}

// deviceRow is one device of the account.
type deviceRow struct {
	d      Device
	label  *line
	state  *line
	rename *widget.Button
	remove *widget.Button
	slot   *fyne.Container // holds remove
	root   *fyne.Container
}

func newDeviceRow(p *program) *deviceRow {
	r := &deviceRow{label: newLine(""), state: caption("This device")}
	r.remove = widget.NewButton("Remove", func() {
		p.sure("Remove “"+r.d.Label+"”?", "It is logged out at once and cannot call or be called any more.", "Remove", func(ctx context.Context) error {
			return p.o.People.RemoveDevice(ctx, r.d.ID)
		})
	})
	r.rename = widget.NewButton("Rename", func() {
		id := r.d.ID
		p.askName("Rename the device", r.d.Label, func(ctx context.Context, name string) error { return p.o.People.NameDevice(ctx, id, name) })
	})
	r.slot = sized(84, 0, container.NewStack(r.remove))
	r.root = container.NewBorder(nil, nil, middle(sized(22, 22, widget.NewIcon(theme.ComputerIcon()))), middle(row(6, r.rename, r.slot)),
		inset(0, 10, middle(column(2, r.label, r.state))))
	return r
}

func (r *deviceRow) update(d Device, alone bool) {
	r.d = d
	r.label.set(d.Label)
	visible(r.state, d.Current)
	visible(r.remove, !d.Current)
	visible(r.slot, !alone)
}

// kitBox makes a recovery kit and shows its code once.
type kitBox struct {
	p     *program
	hint  *para
	make  *widget.Button
	code  *para
	copy  *widget.Button
	save  *widget.Button
	shown *fyne.Container
	value string
	file  string // what Save writes
	root  *fyne.Container
}

func newKitBox(p *program) *kitBox {
	k := &kitBox{p: p, hint: quiet("")}
	k.code = newPara("", theme.ColorNameForeground, theme.SizeNameText).bold()
	k.code.seg.Style.TextStyle.Monospace = true
	k.copy = widget.NewButtonWithIcon("Copy", theme.ContentCopyIcon(), func() {
		p.app.Clipboard().SetContent(k.value)
		k.copy.SetText("Copied")
	})
	k.save = widget.NewButtonWithIcon("Save…", theme.DocumentSaveIcon(), func() {
		p.saveFile("viewflip-recovery-kit.txt", []byte(k.file), func(name string, err error) {
			if err != nil {
				k.hint.tint(theme.ColorNameError)
				k.hint.set("The file could not be written.")
				return
			}
			k.save.SetText("Saved")
		})
	})
	k.make = widget.NewButton("", k.press)
	k.shown = column(8, container.NewStack(newPanel(colorTint, "", 8), inset(10, 12, k.code.Container)), row(8, k.copy, k.save))
	k.root = column(8, k.hint.Container, row(0, k.make), k.shown)
	k.update(p.people)
	return k
}

func (k *kitBox) update(st PeopleState) {
	visible(k.shown, k.value != "")
	visible(k.make, k.value == "")
	switch {
	case k.value != "":
		k.hint.tint(theme.ColorNameWarning)
		k.hint.set("Print or write this down now: it is shown only this once. " + kitWarning)
	case st.Kit:
		k.hint.set("You have a kit. A new one makes the old one useless.")
	default:
		k.hint.set("If all your devices are lost, only a kit on paper brings the account back.")
	}
	k.make.SetText("Make a recovery kit")
	if st.Kit {
		k.make.SetText("Make a new kit")
	}
}

const kitWarning = "Whoever has it, and your mail, has your account."

func (k *kitBox) press() {
	k.make.Disable()
	var code, service string
	k.p.reach(func(ctx context.Context) (err error) {
		service = k.p.o.People.Service(ctx)
		code, err = k.p.o.People.MakeKit(ctx)
		return err
	}, func(err error) {
		k.make.Enable()
		if err != nil {
			k.hint.tint(theme.ColorNameError)
			k.hint.set(sentence(err))
			return
		}
		k.value = code
		k.code.set(twoLines(code))
		k.file = "Recovery kit of viewflip\n\nAccount: " + k.p.people.Email + "\nService: " + service + "\nCode:    " + code + "\n\n" + kitWarning + "\n"
		k.update(k.p.people)
		if k.p.account != nil {
			k.p.account.body.Refresh()
			k.p.account.scroll.ScrollToBottom()
		}
	})
}

// twoLines breaks the groups of a kit's code where eyes can follow.
func twoLines(code string) string {
	g := strings.Split(code, "-")
	half := (len(g) + 1) / 2
	return strings.Join(g[:half], " ") + "\n" + strings.Join(g[half:], " ")
}
