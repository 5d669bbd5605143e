import Collab

/// How many engines have something to compute at this moment, so that each takes its share of the cores instead of
/// fighting over them.
///
/// An engine counts from the moment at which it is given something to do: models that are asked at the same time, as a
/// fusion's members are, all know of each other when the first of them begins. Results do not depend on the number of
/// workers, so it may change from step to step.
final class ComputeShare: Sendable {
    /// The share of the machine.
    static let machine = ComputeShare()

    private let engines = Protected(0)

    /// An engine has been given something to do.
    func join() { engines.withLock { $0 += 1 } }

    /// An engine has nothing left to do.
    func leave() { engines.withLock { $0 -= 1 } }

    /// How many of its workers an engine may use while others have something to do too.
    func workers(of all: Int) -> Int { max(1, all / max(1, engines.withLock { $0 })) }

    /// Runs something that is asked for and done at once, with the workers that it may use.
    func run(of all: Int, _ body: (Int) -> Void) {
        join()
        body(workers(of: all))
        leave()
    }
}
