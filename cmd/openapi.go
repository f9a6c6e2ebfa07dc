package cmd

import (
	"fmt"

	"fanfare/api"
)

type openapiCommand struct {
	Downgrade bool `help:"Print it as OpenAPI 3.0, for older tools."`
}

// Run prints the document as YAML.
func (c *openapiCommand) Run(s streams) error {
	document := api.OpenAPI()
	render := document.YAML
	if c.Downgrade {
		render = document.DowngradeYAML
	}
	text, err := render()
	if err != nil {
		return fmt.Errorf("render OpenAPI document: %w", err)
	}
	_, err = s.out.Write(text)
	return err
}
