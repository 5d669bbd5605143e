import ArgumentParser

/// Measures Collab. Each suite is a subcommand in a file of its own.
@main
struct CollabBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collab-bench",
        abstract: "Measure Collab on this machine.",
        subcommands: [
            FaultsSuite.self,
            EngineSuite.self, EngineOnce.self, KernelsSuite.self, ReplicasSuite.self, StreamsSuite.self,
            TokenizersSuite.self, EmbeddingSuite.self, OrchestrationSuite.self,
            MergeSuite.self, RoutingSuite.self, FusionSuite.self, ConstraintsSuite.self, DebateSuite.self,
        ]
    )
}
