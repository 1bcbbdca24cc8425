package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Program finds a program by one of its names. If there is none, it installs
// Debian's package of it, as is done for Postgres.
func Program(ctx context.Context, pkg string, names []string, log io.Writer) (string, error) {
	look := func() string {
		for _, name := range names {
			if path, err := exec.LookPath(name); err == nil {
				return path
			}
		}
		return ""
	}
	if path := look(); path != "" {
		return path, nil
	}
	missing := func(err error) error {
		return fmt.Errorf("none of %s is installed, and it could not be had by apt-get: install one of them: %w", strings.Join(names, ", "), err)
	}
	apt, err := aptGet()
	if err != nil {
		return "", missing(err)
	}
	acct, err := serverAccount()
	if err != nil {
		return "", missing(err)
	}
	cache, err := cacheDir(acct)
	if err != nil {
		return "", missing(err)
	}
	unlock, err := lockFile(filepath.Join(cache, "apt.lock"))
	if err != nil {
		return "", missing(err)
	}
	defer unlock()
	// Another process may have installed it while this one waited for the lock.
	if path := look(); path != "" {
		return path, nil
	}
	logger{log}.printf("no %s is installed: installing Debian's package %s with apt-get", names[0], pkg)
	if err := aptInstall(ctx, apt, pkg); err != nil {
		return "", missing(err)
	}
	if path := look(); path != "" {
		return path, nil
	}
	return "", missing(fmt.Errorf("the package %s is installed and brought none of them", pkg))
}

// aptGet is the path of apt-get, if we may use it.
func aptGet() (string, error) {
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return "", err
	}
	if os.Geteuid() != 0 {
		return "", errors.New("only root may install packages")
	}
	return apt, nil
}

// aptInstall installs a package. The caller holds the lock.
func aptInstall(ctx context.Context, apt, pkg string) error {
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", pkg}} {
		cmd := exec.CommandContext(ctx, apt, append([]string{"-q", "-o", "DPkg::Lock::Timeout=300"}, args...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, lastLines(out, 20))
		}
	}
	return nil
}
