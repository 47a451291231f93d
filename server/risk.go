package server

import (
	"strings"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
)

// riskRules gives the rules of a configuration.
func riskRules(cfg config.Risk) risk.Rules {
	rules := risk.Rules{
		HoldAt: cfg.HoldAt, DenyAt: cfg.DenyAt,
		OrdersPerHour: cfg.OrdersPerHour, OrdersPerDay: cfg.OrdersPerDay,
		LargeTotal: int64(cfg.LargeTotal), GuestTotal: int64(cfg.GuestTotal), TimesAverage: cfg.TimesAverage,
		Points: risk.Points(cfg.Points),
	}
	for _, domain := range cfg.DisposableDomains {
		rules.DisposableDomains = append(rules.DisposableDomains, strings.ToLower(domain))
	}
	return rules
}
