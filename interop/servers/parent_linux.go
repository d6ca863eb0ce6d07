package servers

import "syscall"

// dieWithParent has the kernel kill the process when the thread that started
// it ends: whoever starts one keeps that thread until the process is gone.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
