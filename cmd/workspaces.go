package cmd

import (
	"errors"
	"fmt"

	"fanfare/api"
	"fanfare/internal/workspace"
)

// workspaceConfig says where the directories of customers and spaces are, and how long unused ones are kept.
type workspaceConfig struct {
	Workspaces     string `env:"FANFARE_WORKSPACES" help:"Directory in which the workspaces of customers and spaces are, such as /var/lib/fanfare/workspaces, the same for API and workers. Empty: there are none."`
	WorkspaceQuota int64  `name:"workspace-quota" default:"5368709120" env:"FANFARE_WORKSPACE_QUOTA" help:"How many bytes the workspaces of one customer may have together, unless it has a quota of its own."`
	UnusedDays     int32  `name:"workspace-unused-days" default:"90" env:"FANFARE_WORKSPACE_UNUSED_DAYS" help:"After so many days without use, it is announced that a workspace will be archived."`
	NoticeDays     int32  `name:"workspace-notice-days" default:"14" env:"FANFARE_WORKSPACE_NOTICE_DAYS" help:"So many days later it is archived."`
	ArchiveDays    int32  `name:"workspace-archive-days" default:"365" env:"FANFARE_WORKSPACE_ARCHIVE_DAYS" help:"So many days later its archive is deleted."`
}

// openWorkspaces gives nil where there are none.
func (c workspaceConfig) openWorkspaces() (*workspace.Store, error) {
	if c.Workspaces == "" {
		return nil, nil //nolint:nilnil // that is what "no workspaces" looks like
	}
	store, err := workspace.OpenStore(c.Workspaces)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", named("workspaces"), err)
	}
	return store, nil
}

func (c workspaceConfig) rules() (api.WorkspaceRules, error) {
	if c.WorkspaceQuota <= 0 {
		return api.WorkspaceRules{}, errors.New(named("workspace-quota") + " must be a number of bytes above 0")
	}
	for flag, days := range map[string]int32{"workspace-unused-days": c.UnusedDays, "workspace-notice-days": c.NoticeDays, "workspace-archive-days": c.ArchiveDays} {
		if days < 1 || days > 3650 {
			return api.WorkspaceRules{}, fmt.Errorf("%s must be from 1 to 3650 days, not %d", named(flag), days)
		}
	}
	return api.WorkspaceRules{UnusedDays: c.UnusedDays, NoticeDays: c.NoticeDays, ArchiveDays: c.ArchiveDays, Quota: c.WorkspaceQuota}, nil
}
