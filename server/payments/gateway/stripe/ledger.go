package stripe

import (
	"context"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// The two halves of the ledger, as cursors name them.
const (
	halfIntents = "intents/"
	halfRefunds = "refunds/"
)

// Ledger gives what PaymentIntents say of reserved, captured and released money, newest first, and
// then the refunds. Several captures of one PaymentIntent are one movement, their sum.
func (g *Gateway) Ledger(ctx context.Context, r gateway.LedgerRequest) (gateway.LedgerPage, error) {
	ctx, cancel, err := g.begin(ctx)
	if err != nil {
		return gateway.LedgerPage{}, err
	}
	defer cancel()
	list := stripe.ListParams{Limit: stripe.Int64(int64(pageSize(r.Limit))), Single: true}
	after, refunds := strings.CutPrefix(r.Cursor, halfRefunds)
	if !refunds {
		after = strings.TrimPrefix(r.Cursor, halfIntents)
	}
	if after != "" {
		list.StartingAfter = stripe.String(after)
	}
	var since *stripe.RangeQueryParams
	if !r.Since.IsZero() {
		since = &stripe.RangeQueryParams{GreaterThanOrEqual: r.Since.Unix()}
	}
	var page gateway.LedgerPage
	if refunds {
		page, err = g.refunds(ctx, &stripe.RefundListParams{ListParams: list, CreatedRange: since})
	} else {
		page, err = g.intents(ctx, &stripe.PaymentIntentListParams{ListParams: list, CreatedRange: since})
	}
	if err != nil {
		_, err = failed("", err)
		if gateway.IsUnknown(err) {
			err = gateway.Temporary(0, err) // reading changes nothing
		}
	}
	return page, err
}

func (g *Gateway) intents(ctx context.Context, params *stripe.PaymentIntentListParams) (gateway.LedgerPage, error) {
	list := g.api.V1PaymentIntents.List(ctx, params)
	if err := list.Err(); err != nil {
		return gateway.LedgerPage{}, err
	}
	page := gateway.LedgerPage{Next: halfRefunds}
	for _, intent := range list.Data() {
		page.Movements = append(page.Movements, movements(intent)...)
		if list.Meta().HasMore {
			page.Next = halfIntents + intent.ID
		}
	}
	return page, nil
}

func (g *Gateway) refunds(ctx context.Context, params *stripe.RefundListParams) (gateway.LedgerPage, error) {
	list := g.api.V1Refunds.List(ctx, params)
	if err := list.Err(); err != nil {
		return gateway.LedgerPage{}, err
	}
	var page gateway.LedgerPage
	for _, refund := range list.Data() {
		if list.Meta().HasMore {
			page.Next = halfRefunds + refund.ID
		}
		if refund.Status == stripe.RefundStatusFailed || refund.Status == stripe.RefundStatusCanceled {
			continue
		}
		amount, currency := fromStripe(refund.Amount, refund.Currency)
		m := gateway.Movement{
			ID: refund.ID, Kind: gateway.MovementRefunded, Key: gateway.Key(refund.Metadata[metadataKey]),
			Payment: refund.Metadata[metadataPayment], Amount: amount, Currency: currency, At: timeOf(refund.Created),
		}
		if refund.PaymentIntent != nil {
			m.Authorization = gateway.AuthorizationID(refund.PaymentIntent.ID)
		}
		page.Movements = append(page.Movements, m)
	}
	return page, nil
}

// movements tells what a PaymentIntent's state says of money.
func movements(intent *stripe.PaymentIntent) []gateway.Movement {
	amount, currency := fromStripe(intent.Amount, intent.Currency)
	received, _ := fromStripe(intent.AmountReceived, intent.Currency)
	capturable, _ := fromStripe(intent.AmountCapturable, intent.Currency)
	canceled := intent.Status == stripe.PaymentIntentStatusCanceled
	if received == 0 && capturable == 0 && (!canceled || intent.LatestCharge == nil) {
		return nil // nothing was ever reserved
	}
	at := timeOf(intent.Created)
	line := func(kind gateway.MovementKind, amount money.Minor, at time.Time) gateway.Movement {
		return gateway.Movement{
			ID: intent.ID + "/" + string(kind), Kind: kind, Payment: intent.Metadata[metadataPayment],
			Authorization: gateway.AuthorizationID(intent.ID), Amount: amount, Currency: currency, At: at,
		}
	}
	reserved := line(gateway.MovementAuthorized, amount, at)
	reserved.Key = gateway.Key(intent.Metadata[metadataKey])
	lines := []gateway.Movement{reserved}
	if received > 0 {
		lines = append(lines, line(gateway.MovementCaptured, received, at))
	}
	if released := amount - received - capturable; released > 0 {
		if canceled {
			at = timeOf(intent.CanceledAt)
		}
		lines = append(lines, line(gateway.MovementReleased, released, at))
	}
	return lines
}

func pageSize(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, 100) // Stripe's largest
}
