package stripe

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// Inquire looks for what the operation left behind.
func (g *Gateway) Inquire(ctx context.Context, r gateway.InquireRequest) (gateway.Inquiry, error) {
	asked := g.options.Now()
	ctx, cancel, err := g.begin(ctx)
	if err != nil {
		return gateway.Inquiry{}, err
	}
	defer cancel()
	var found *gateway.Result
	if r.Operation == gateway.OperationAuthorize {
		found, err = g.search(ctx, r)
	} else {
		found, err = g.look(ctx, r)
	}
	early := asked.Before(r.SentAt.Add(g.settle()))
	if err == nil && found == nil && !early && r.Operation == gateway.OperationAuthorize {
		found, err = g.list(ctx, r) // search lags; lists do not
	}
	switch {
	case err != nil:
		_, err = failed(r.Operation, err)
		if gateway.IsUnknown(err) {
			err = gateway.Temporary(0, err) // an inquiry changes nothing
		}
		return gateway.Inquiry{}, err
	case found != nil:
		return gateway.Inquiry{Fate: gateway.FateHappened, Result: *found}, nil
	case early:
		return gateway.Inquiry{Fate: gateway.FateInProgress}, nil
	default:
		return gateway.Inquiry{Fate: gateway.FateNeverHappened}, nil
	}
}

func (g *Gateway) search(ctx context.Context, r gateway.InquireRequest) (*gateway.Result, error) {
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(string(r.Key))
	params := &stripe.PaymentIntentSearchParams{}
	params.Query = fmt.Sprintf("metadata['%s']:'%s'", metadataKey, quoted)
	params.Limit, params.Single = stripe.Int64(10), true
	params.AddExpand("data.latest_charge")
	return pick(r, g.api.V1PaymentIntents.Search(ctx, params).All(ctx))
}

// list walks what was created while the request was on its way.
func (g *Gateway) list(ctx context.Context, r gateway.InquireRequest) (*gateway.Result, error) {
	first := r.FirstSentAt
	if first.IsZero() {
		first = r.SentAt
	}
	params := &stripe.PaymentIntentListParams{CreatedRange: &stripe.RangeQueryParams{
		GreaterThanOrEqual: first.Add(-time.Minute).Unix(), LesserThanOrEqual: r.SentAt.Add(g.settle()).Unix(),
	}}
	params.Limit = stripe.Int64(100)
	params.AddExpand("data.latest_charge")
	return pick(r, g.api.V1PaymentIntents.List(ctx, params).All(ctx))
}

func pick(r gateway.InquireRequest, intents stripe.Seq2[*stripe.PaymentIntent, error]) (found *gateway.Result, err error) {
	intents(func(intent *stripe.PaymentIntent, e error) bool {
		if e != nil {
			err = e
			return false
		}
		if intent.Metadata[metadataKey] == string(r.Key) { // search matches without case
			result := authorized(intent)
			found = &result
		}
		return found == nil
	})
	return found, err
}

// look finds what was done to a PaymentIntent.
func (g *Gateway) look(ctx context.Context, r gateway.InquireRequest) (*gateway.Result, error) {
	if r.Operation == gateway.OperationRefund {
		params := &stripe.RefundListParams{PaymentIntent: stripe.String(string(r.Authorization))}
		params.Limit = stripe.Int64(100)
		for refund, err := range g.api.V1Refunds.List(ctx, params).All(ctx) {
			if err != nil {
				return nil, err
			}
			if refund.Metadata[metadataKey] == string(r.Key) {
				result := refunded(refund, r.Authorization)
				return &result, nil
			}
		}
		return nil, nil
	}
	intent, err := g.api.V1PaymentIntents.Retrieve(ctx, string(r.Authorization), nil)
	if err != nil {
		return nil, err
	}
	if r.Operation == gateway.OperationVoid {
		if intent.Status != stripe.PaymentIntentStatusCanceled {
			return nil, nil
		}
		result := voided(intent)
		return &result, nil
	}
	text, done := intent.Metadata[captureName(r.Key)]
	if !done {
		return nil, nil
	}
	amount, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read what was captured: %w", err)
	}
	result := captured(intent, money.Minor(amount))
	return &result, nil
}
