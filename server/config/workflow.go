package config

import "time"

// What workflow.engine may be.
const (
	EngineRiver    = "river"
	EngineTemporal = "temporal"
)

// Orders says how long orders wait.
type Orders struct {
	PlaceTimeout  time.Duration `mapstructure:"place_timeout" help:"how long a placed order may take to be confirmed, its customer's answers included, before it expires"`
	DraftLifetime time.Duration `mapstructure:"draft_lifetime" help:"how long a draft is kept before it expires"`
}

// Workflow says who carries orders from step to step.
type Workflow struct {
	Engine  string `mapstructure:"engine" help:"what carries orders from step to step: river, in the orders' own databases, or temporal"`
	Workers int    `mapstructure:"workers" help:"how many orders of a shard are worked on at once, for each kind of process; 0 leaves the work to other replicas"`
}

// Temporal is the Temporal service, where the engine is temporal.
type Temporal struct {
	Address   string `mapstructure:"address" help:"Temporal's frontend, host:port, when workflow.engine is temporal"`
	Namespace string `mapstructure:"namespace" help:"namespace at Temporal"`
}

// Retention says how long to keep what somebody may ask for again.
type Retention struct {
	Requests      time.Duration `mapstructure:"requests" help:"how long a repeated request gets its first answer, at least 24h"`
	PaymentEvents time.Duration `mapstructure:"payment_events" help:"how long events of a payment gateway are known again, at least 72h, as gateways repeat them for days"`
	Sagas         time.Duration `mapstructure:"sagas" help:"how long finished processes of orders can be looked up, at least 24h"`
}

const day = 24 * time.Hour

func (p *problems) workflow(c Config) {
	p.check("orders.place_timeout", c.Orders.PlaceTimeout > 0, "must be more than 0, such as 24h")
	p.check("orders.draft_lifetime", c.Orders.DraftLifetime > 0, "must be more than 0, such as 720h")
	p.oneOf("workflow.engine", c.Workflow.Engine, EngineRiver, EngineTemporal)
	p.between("workflow.workers", c.Workflow.Workers, 0, 10_000)
	p.check("temporal.address", c.Workflow.Engine != EngineTemporal || c.Temporal.Address != "", "is needed when workflow.engine is temporal")
	p.check("temporal.namespace", c.Workflow.Engine != EngineTemporal || c.Temporal.Namespace != "", "is needed when workflow.engine is temporal")
	p.check("retention.requests", c.Retention.Requests >= day, "must be 24h or more")
	p.check("retention.payment_events", c.Retention.PaymentEvents >= 3*day, "must be 72h or more")
	p.check("retention.sagas", c.Retention.Sagas >= day, "must be 24h or more")
}
