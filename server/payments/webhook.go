package payments

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/trace"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// told says what each kind of event tells about which kind of operation. The other kinds are about
// the authorization as a whole, or not for us.
var told = map[gateway.EventKind]struct {
	kind   payment.Kind
	answer payment.Answer
}{
	gateway.EventAuthorized:     {payment.KindAuthorize, payment.AnswerDone},
	gateway.EventDeclined:       {payment.KindAuthorize, payment.AnswerDeclined},
	gateway.EventActionRequired: {payment.KindAuthorize, payment.AnswerAction},
	gateway.EventCaptured:       {payment.KindCapture, payment.AnswerDone},
	gateway.EventVoided:         {payment.KindVoid, payment.AnswerDone},
	gateway.EventRefunded:       {payment.KindRefund, payment.AnswerDone},
	gateway.EventRefundFailed:   {payment.KindRefund, payment.AnswerDeclined},
}

// refundFailed is the reason of a refund that the bank did not pay in the end.
const refundFailed = "REFUND_FAILED"

// HandleWebhook takes what the gateway of this name told: signature and time are checked first, an
// event is taken once, and one that says nothing new changes nothing, in whatever order they come.
// It fails with PAYMENT_NOT_FOUND for a payment that is not ours, and with PAYMENT_UNKNOWN for an
// event that cannot be understood before an earlier one: the gateway sends it again.
func (s *Service) HandleWebhook(ctx context.Context, name string, header http.Header, body []byte) error {
	g, err := s.gatewayOf(name)
	if err != nil {
		return err
	}
	event, err := g.ParseWebhook(header, body)
	if err != nil {
		return err
	}
	if event.Kind == gateway.EventOther || event.Payment == "" {
		return nil
	}
	if about, ok := told[event.Kind]; ok && event.Key != "" && s.answers.has(ctx, payment.Key(event.Key), about.answer) {
		return nil // the saga that asked the gateway went on with it
	}
	if event.ID == "" {
		return fault.New(fault.KindInvalid, fault.ReasonWebhookMalformed, "the webhook's event has no id")
	}
	paymentID, err := payment.ParseID(event.Payment)
	if err != nil {
		return payment.NotFound()
	}
	p, operations, err := s.read(ctx, paymentID)
	if err != nil {
		return err
	}
	if p.Gateway != name {
		return payment.NotFound()
	}
	ctx, span := s.traceEvent(ctx, p.OrderID)
	err = s.takeEvent(ctx, event, p, operations)
	if err == nil {
		err = s.tell(ctx, p) // each time: telling may have failed when the event was taken
	}
	telemetry.EndSpan(span, err)
	return err
}

// traceEvent begins a span that goes on with the trace of an order.
func (s *Service) traceEvent(ctx context.Context, orderID order.ID) (context.Context, trace.Span) {
	traceparent := ""
	if s.Tracer != nil {
		traceparent = s.TraceOf(ctx, orderID)
	}
	return telemetry.Resume(ctx, s.Tracer, traceparent, "gateway webhook")
}

// takeEvent applies what the gateway told of a payment.
func (s *Service) takeEvent(ctx context.Context, event gateway.Event, p payment.Payment, operations []payment.Operation) error {
	seen := store.PaymentEvent{Gateway: p.Gateway, ID: event.ID}
	if about, ok := told[event.Kind]; ok {
		if o, found := concerned(event, about.kind, p, operations); found {
			out := payment.Outcome{
				Answer: about.answer, Authorization: string(event.Authorization), Reference: event.Movement,
				Amount: event.Amount, Reason: reasonOf(event), RedirectURL: p.RedirectURL, Expires: event.ExpiresAt,
			}
			_, err := s.apply(ctx, payment.Record{Payment: p, Operation: o}, out, seen, false) // told below, or the gateway sends it again
			return err
		}
	}
	if event.Kind == gateway.EventVoided || event.Kind == gateway.EventExpired {
		return s.lapse(ctx, p, seen)
	}
	_, err := s.Store.ChangePayment(ctx, store.PaymentChange{PaymentID: p.ID, Event: seen, Decide: nothing})
	return err
}

// nothing decides nothing: the event is remembered all the same.
func nothing(payment.Record) (*payment.Decision, error) { return nil, nil } //nolint:nilnil // see above

// concerned finds the operation that an event is about: by its key, or when the gateway does not
// know that, the oldest one of its kind that is under way.
func concerned(e gateway.Event, kind payment.Kind, p payment.Payment, operations []payment.Operation) (payment.Operation, bool) {
	for _, o := range operations {
		switch {
		case o.Kind != kind:
		case e.Key != "" && o.Key == payment.Key(e.Key):
			return o, true
		case e.Key != "":
		case kind == payment.KindAuthorize && o.ID.UUID == p.ID.UUID:
			return o, true
		case o.State.Open() && (kind == payment.KindVoid || e.Amount == o.Amount):
			return o, true
		}
	}
	return payment.Operation{}, false
}

func reasonOf(e gateway.Event) string {
	switch {
	case e.Decline != "":
		return string(e.Decline)
	case e.Kind == gateway.EventRefundFailed:
		return refundFailed
	}
	return string(gateway.DeclineByBank)
}

// lapse takes that the gateway let go of an authorization unasked.
func (s *Service) lapse(ctx context.Context, p payment.Payment, event store.PaymentEvent) error {
	if p.Auth.Open() && p.State != payment.RequiresAction {
		settled, err := s.Settle(ctx, p.ID)
		if err != nil {
			return err
		}
		p = settled
	}
	_, err := s.Store.ChangePayment(ctx, store.PaymentChange{
		PaymentID: p.ID, Operation: payment.OperationID{UUID: p.ID.UUID}, Event: event,
		Decide: func(r payment.Record) (*payment.Decision, error) {
			now := s.clock()
			switch {
			case !r.Payment.Auth.Open():
				return payment.Lapse(r, now), nil
			case r.Payment.State == payment.RequiresAction: // nobody proved anything in time
				return payment.Apply(r, payment.Outcome{
					Answer: payment.AnswerDeclined, Reason: string(gateway.DeclineAuthenticationFailed),
				}, now), nil
			}
			return nil, payment.Undecided()
		},
	})
	return err
}
