import Collab

/// How many engines compute at this moment, so that each takes its share of the cores instead of fighting over them.
///
/// Results do not depend on the number of workers, so it may change from step to step.
enum ComputeShare {
    private static let active = Protected(0)

    /// Runs a step with the workers that this engine may use while others compute too.
    static func run(of workers: Int, _ body: (Int) -> Void) {
        let engines = active.withLock { count in
            count += 1
            return count
        }
        body(max(1, workers / engines))
        active.withLock { $0 -= 1 }
    }
}
