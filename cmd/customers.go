package cmd

// customersConfig says who makes customers.
type customersConfig struct {
	MakeCustomers string `enum:"everybody,system-admins" default:"everybody" env:"FANFARE_MAKE_CUSTOMERS" help:"Who may make customers: everybody who can sign in, or system-admins."`
}

func (c customersConfig) adminsOnly() bool { return c.MakeCustomers == "system-admins" }
