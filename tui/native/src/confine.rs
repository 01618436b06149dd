//! Rights that a process gives up before it reads bytes that nobody vouches for: landlock(7).

use std::path::PathBuf;

use pyo3::prelude::*;

/// Take from the calling thread, and those it starts from now on, for good: to write outside `folders`, to start
/// programs, to use the network, and to connect to sockets in the file system; each as far as the kernel can.
/// Return whether it can at all.
#[cfg(target_os = "linux")]
#[pyfunction]
#[pyo3(signature = (folders))]
pub fn confine(folders: Vec<PathBuf>) -> PyResult<bool> {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
        RulesetStatus, Scope, path_beneath_rules,
    };
    use pyo3::exceptions::PyOSError;

    const NEWEST: ABI = ABI::V10;
    let write = AccessFs::from_write(NEWEST);
    let reach = |error: RulesetError| PyOSError::new_err(error.to_string());
    let others: BitFlags<AccessFs> = AccessFs::Execute | AccessFs::ResolveUnix;
    let status = Ruleset::default()
        .handle_access(write | others)
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .and_then(|rules| rules.add_rules(path_beneath_rules(folders, write)))
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(reach)?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Return that the system cannot do this.
#[cfg(not(target_os = "linux"))]
#[pyfunction]
pub fn confine(_folders: Vec<PathBuf>) -> bool {
    false
}
