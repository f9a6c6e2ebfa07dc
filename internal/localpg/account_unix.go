//go:build unix

package localpg

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the system user which initdb and postgres run as. The zero value is the user of this
// process. PostgreSQL refuses to run as root, so root needs another one.
type account struct {
	name     string
	uid, gid uint32
	switched bool // not the user of this process
}

// serverAccount chooses the account for the cluster at the given path, which need not exist yet. A
// cluster can only be run by its owner, so an existing one decides.
func serverAccount(cluster string) (account, error) {
	var owner *syscall.Stat_t
	if info, err := os.Stat(cluster); err == nil {
		owner, _ = info.Sys().(*syscall.Stat_t)
	}
	uid := os.Geteuid()
	if uid != 0 {
		if owner != nil && int(owner.Uid) != uid {
			return account{}, fmt.Errorf("the cluster %s belongs to user id %d, and this is user id %d (was it made as root?): "+
				"start as that user, or remove the data directory, or use another one", cluster, owner.Uid, uid)
		}
		return account{}, nil
	}
	if owner != nil && owner.Uid != 0 {
		return account{name: "uid " + strconv.Itoa(int(owner.Uid)), uid: owner.Uid, gid: owner.Gid, switched: true}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		// macOS writes nobody's ids as -2.
		uid, uidErr := strconv.ParseInt(u.Uid, 10, 64)
		gid, gidErr := strconv.ParseInt(u.Gid, 10, 64)
		if uidErr != nil || gidErr != nil {
			continue
		}
		return account{name: name, uid: uint32(uid), gid: uint32(gid), switched: true}, nil
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody " +
		"to run it as: start as another user")
}

// credential is what the kernel needs to start a process as this account; nil for no change.
func (a account) credential() *syscall.Credential {
	if !a.switched {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// own gives a file or directory to the account.
func (a account) own(path string) error {
	if !a.switched {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// owns reports whether path is a directory, not a link, of this account.
func (a account) owns(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == a.uid
}
