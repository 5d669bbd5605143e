import Collab

/// How many engines have something to compute at this moment, so that each takes its share of the cores instead of
/// fighting over them.
///
/// An engine counts from the moment at which it is given something to do: models that are asked at the same time, as a
/// fusion's members are, all know of each other when the first of them begins. Results do not depend on the number of
/// workers, so it may change from step to step.
enum ComputeShare {
    private static let engines = Protected(0)

    /// An engine has been given something to do.
    static func join() { engines.withLock { $0 += 1 } }

    /// An engine has nothing left to do.
    static func leave() { engines.withLock { $0 -= 1 } }

    /// How many of its workers an engine may use while others have something to do too.
    static func workers(of all: Int) -> Int { max(1, all / max(1, engines.withLock { $0 })) }
}
