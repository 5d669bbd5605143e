internal import CKernels

/// The core of the calling thread.
public enum ThreadPlace {
    /// The core's number; `nil` where the system does not say.
    public static var core: Int? {
        let core = collab_current_core()
        return core >= 0 ? Int(core) : nil
    }

    /// Moves the calling thread to another core than these, if it may run on one, and leaves it free to be moved on.
    ///
    /// A scheduler may leave two busy threads on one core with another idle beside them, since moving one that has just
    /// run looks dear to it.
    public static func leave(_ cores: [Int]) {
        let cores = cores.map(Int32.init)
        collab_leave_cores(cores, Int32(cores.count))
    }
}
