package orders

import (
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
)

func assessmentToProto(a risk.Assessment) *ordersv1.RiskAssessment {
	return &ordersv1.RiskAssessment{
		Score:      int32(a.Score), //nolint:gosec // a sum of a few points
		Outcome:    ordersv1.RiskOutcome(a.Outcome),
		Reasons:    each(a.Reasons, riskReasonToProto),
		Shadow:     a.Shadow,
		CreateTime: timeToProto(a.Created),
	}
}

func riskReasonToProto(r risk.Reason) *ordersv1.RiskReason {
	return &ordersv1.RiskReason{Rule: r.Rule, Points: int32(r.Points), Explanation: r.Explanation} //nolint:gosec // a few points
}
