package accounts

import (
	"context"
	"errors"

	"viewflip.app/service"
	"viewflip.app/service/bus"
)

// nodes is the bus as the mailbox knows it.
type nodes struct{ bus *bus.Bus }

// Subscribe is that of service.Nodes.
func (n nodes) Subscribe(t service.Topic, handle func(service.NodeMessage)) (service.Subscription, error) {
	to, err := bus.To(t.Kind, t.ID)
	if err != nil {
		return nil, err
	}
	sub, err := n.bus.Subscribe(to, func(m bus.Message) { handle(service.NodeMessage{Data: m.Data, Reply: m.Reply}) })
	if err != nil {
		return nil, err // not a nil *bus.Subscription, which is an interface that is not nil
	}
	return sub, nil
}

// Publish is that of service.Nodes.
func (n nodes) Publish(t service.Topic, data []byte) error {
	to, err := bus.To(t.Kind, t.ID)
	if err != nil {
		return err
	}
	return n.bus.Publish(to, data)
}

// Request is that of service.Nodes.
func (n nodes) Request(ctx context.Context, t service.Topic, data []byte) ([]byte, error) {
	to, err := bus.To(t.Kind, t.ID)
	if err != nil {
		return nil, err
	}
	b, err := n.bus.Request(ctx, to, data)
	if errors.Is(err, bus.ErrNoResponder) {
		return nil, service.ErrNobody
	}
	return b, err
}

// Sync is that of service.Nodes.
func (n nodes) Sync(ctx context.Context) error { return n.bus.Sync(ctx) }
