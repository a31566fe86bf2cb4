package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"viewflip.app/platform"
	"viewflip.app/wire"
)

const (
	// lendWait bounds the look at what is on the clipboard before a paste.
	lendWait = time.Second
	// copyWait is how long the shared program may take to copy.
	copyWait = time.Second
	// fetchWait is how long after a gesture of theirs a viewer accepts what it copied.
	fetchWait = 10 * time.Second
)

// kindOnWire and clipOf translate between the desktop's kinds and those that
// travel.
func kindOnWire(k platform.ClipKind) wire.ClipKind {
	if k == platform.ClipPNG {
		return wire.ClipPNG
	}
	return wire.ClipText
}

func clipOf(k wire.ClipKind, data []byte) platform.Clip {
	if k == wire.ClipPNG {
		return platform.Clip{Kind: platform.ClipPNG, Data: data}
	}
	return platform.Clip{Kind: platform.ClipText, Data: data}
}

// sendClip sends a content in parts on the ordered channel.
func (m *member) sendClip(c platform.Clip, wrap func(wire.Clip) wire.Message) error {
	return wire.ClipParts(kindOnWire(c.Kind), c.Data, func(part wire.Clip) error {
		b, err := wire.AppendMessage(nil, wrap(part))
		if err != nil {
			return err
		}
		return m.peer.Send(b)
	})
}

// pasting is the one content that a member is about to paste: there is no need
// for one in each share. Guarded by call.mu.
type pasting struct {
	share  wire.ShareID
	box    wire.ClipBox
	staged *platform.Clip
}

// clear forgets what was for a share.
func (p *pasting) clear(id wire.ShareID) {
	if p.share == id {
		*p = pasting{}
	}
}

// stage keeps what a member is about to paste.
func (s *share) stage(m *member, part wire.Clip) {
	s.call.mu.Lock()
	defer s.call.mu.Unlock()
	if s.guest(m.id).rights&wire.RightPaste == 0 || s.call.cfg.Clipboard == nil {
		return
	}
	p := &m.pasting
	if p.share != s.id {
		*p = pasting{share: s.id}
	}
	if data, done := p.box.Add(part); done {
		c := clipOf(part.Kind, data)
		p.staged = &c
	}
}

// perform takes one event to the gate, and on the gestures of the clipboard
// moves its content before or after.
func (s *share) perform(m *member, gate Gate, in wire.Input, rights wire.Rights) (wire.Reason, bool) {
	switch {
	case s.call.cfg.Clipboard == nil:
	case in.Pastes() && rights&wire.RightPaste != 0:
		return s.paste(m, gate, in, rights)
	case in.Copies() && rights&wire.RightCopy != 0:
		return s.copy(m, gate, in, rights)
	}
	return gate.Do(in, rights)
}

// paste lends what was staged to the shared program and then presses the keys.
func (s *share) paste(m *member, gate Gate, in wire.Input, rights wire.Rights) (wire.Reason, bool) {
	c := s.call
	c.mu.Lock()
	var clip *platform.Clip
	if m.pasting.share == s.id {
		clip, m.pasting.staged = m.pasting.staged, nil
	}
	c.mu.Unlock()
	if clip == nil {
		return gate.Do(in, rights)
	}
	ctx, cancel := context.WithTimeout(s.ctx, lendWait)
	defer cancel()
	giveBack, err := c.cfg.Clipboard.Lend(ctx, s.window, *clip, in.PastesPrimary())
	if err != nil {
		c.log.Warn("nothing pasted", "err", err)
		return wire.Failed, false
	}
	reason, ok := gate.Do(in, rights)
	if !ok {
		giveBack()
		return reason, ok
	}
	s.endOnce(m, wire.RightPaste)
	return reason, ok
}

// copy presses the keys and sends what the shared program then copies. A later
// gesture takes the place of one that has brought nothing yet.
func (s *share) copy(m *member, gate Gate, in wire.Input, rights wire.Rights) (wire.Reason, bool) {
	c := s.call
	ctx, cancel := context.WithTimeout(s.ctx, copyWait)
	c.mu.Lock()
	g := s.guest(m.id)
	if g.stopCopy != nil {
		g.stopCopy()
	}
	g.stopCopy = cancel
	c.mu.Unlock()
	wait := c.cfg.Clipboard.Copied(s.window)
	reason, ok := gate.Do(in, rights)
	if !ok || !c.spawn(func(context.Context) { defer cancel(); s.fetch(ctx, m, in.Seq, wait) }) {
		cancel()
		_, _ = wait(ctx) // it must be called; what it returns is not theirs
	}
	return reason, ok
}

// fetch sends what the shared program copies within the life of ctx.
func (s *share) fetch(ctx context.Context, m *member, seq uint32, wait func(context.Context) (platform.Clip, error)) {
	clip, err := wait(ctx)
	c := s.call
	c.mu.Lock()
	g := s.guests[m.id]
	may := g != nil && g.rights&wire.RightCopy != 0 && s.ctx.Err() == nil
	c.mu.Unlock()
	switch {
	case !may:
	case errors.Is(err, platform.ErrClipTooLarge) || err == nil && len(clip.Data) > wire.MaxClip,
		err == nil && m.peer.Waiting() > wire.MaxClip/2: // the last one has not got there
		m.send(wire.Refused{Share: s.id, Seq: seq, Reason: wire.ClipTooLarge})
	case err == nil:
		err := m.sendClip(clip, func(p wire.Clip) wire.Message { return wire.Copied{Share: s.id, Clip: p} })
		if err != nil {
			c.log.Debug("copy not sent", "err", err)
		}
		s.endOnce(m, wire.RightCopy)
	}
}

// Paste sends what this desktop's clipboard holds to the share, for the paste
// gesture that follows. It reads the clipboard, so it is for that gesture only.
// platform.ErrNoClip and platform.ErrClipTooLarge as the clipboard says;
// ErrNoControl without the right.
func (v *View) Paste(ctx context.Context) error {
	c := v.member.call
	if c.cfg.Clipboard == nil {
		return platform.ErrUnsupported
	}
	const need = wire.RightPaste | wire.RightControl
	if i := v.Info(); i.Ended != 0 || i.Rights&need != need {
		return ErrNoControl
	}
	clip, err := c.cfg.Clipboard.Read(ctx)
	if err != nil {
		return fmt.Errorf("session: paste: %w", err)
	}
	err = v.member.sendClip(clip, func(p wire.Clip) wire.Message { return wire.Paste{Share: v.info.Share, Clip: p} })
	if errors.Is(err, wire.ErrTooLarge) {
		return platform.ErrClipTooLarge
	}
	return err
}

// copies notes that this person has made a copy gesture: what comes within a
// while is what they want.
func (v *View) copies() {
	c := v.member.call
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.info.Rights&wire.RightCopy != 0 {
		v.copyAt = time.Now()
	}
}

// copied puts what was copied on this desktop's clipboard, if it was asked for.
func (m *member) copied(msg wire.Copied) {
	c := m.call
	c.mu.Lock()
	v := m.views[msg.Share]
	if c.cfg.Clipboard == nil || v == nil || time.Since(v.copyAt) > fetchWait {
		c.mu.Unlock()
		return
	}
	data, done := v.box.Add(msg.Clip)
	c.mu.Unlock()
	if !done {
		return
	}
	if err := c.cfg.Clipboard.Write(clipOf(msg.Kind, data)); err != nil {
		c.log.Warn("copy not taken over", "err", err)
	}
}
