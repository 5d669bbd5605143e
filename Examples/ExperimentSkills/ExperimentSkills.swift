import ArgumentParser
import Collab
import CollabBackends
import ExperimentSupport
import Foundation

/// Merges two experts by several methods, learns a merge, and measures what of both skills is kept.
@main
struct ExperimentSkills: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "experiment-skills",
        abstract: "Bits a byte of a base, two experts and their merges, on held-out text of each skill.",
        discussion: """
            The experts are the adapters “arithmetic” and “units” in Experts; “ordinary” is text that the base wrote, on \
            which a model shows what it has forgotten. Merges are computed in memory. Two merges are learned on every \
            second passage, the second with weights for each group of layers, and compared with the uniform ones on the \
            other passages. With --gate-steps, gates by which tokens choose between the experts are trained on every \
            second passage of each skill, and measured on the others beside gates that are not trained. Run it from the \
            folder of the package.
            """
    )

    @Option(help: "The base; the fetched SmolLM2 if none.")
    var model: String?

    @Option(help: "The folder with the adapters and the held-out texts.")
    var experts = "Experts"

    @Option(help: "How many merges are tried to learn one.")
    var trials = 40

    @Option(
        help:
            "How many merges are tried to learn weights layer by layer, from the learned ones on; 0 leaves it out."
    )
    var layeredTrials = 150

    @Option(help: "Into how many groups the layers are divided, each with weights of its own.")
    var groups = 6

    @Option(
        help:
            "How many steps each adapter's gates are trained for, some minutes every ten; 0 leaves routing out."
    )
    var gateSteps = 0

    @Flag(help: "Leave merges out: measure routing token by token alone.")
    var routingOnly = false

    @Option(help: "Keep what searches try in files that begin so, and go on from them.")
    var journal: String?

    @Option(help: "Where chance begins: searches, dropped weights, intervals.")
    var seed: UInt64 = 1

    @Option(help: "Write the table's figures to this file, as JSON.")
    var json: String?

    private static let skills = ["arithmetic", "units"]

    /// A model and the bits of every passage of every domain.
    private struct Row: Codable {
        var name: String
        var bits: [[Double]]
    }

    func run() async throws {
        let domains = try (Self.skills + ["ordinary"]).map { try SkillDomain($0, in: experts + "/held-out") }
        let checkpoint = try GGUFCheckpoint(path: model ?? FetchedModels.small)
        let renamed = try RenamedCheckpoint(checkpoint, as: .huggingFace)
        let adapters = try Self.skills.map { try LowRankAdapter(contentsOf: "\(experts)/\($0)") }
        let options = NativeOptions(contextLength: 1024, promptCacheLimit: 0)
        let base = try await NativeModel(checkpoint: checkpoint, name: "base", options: options)
        if gateSteps > 0 { try await measureGates(base, adapters, domains) }
        if routingOnly { return }
        var rows = [Row(name: "base", bits: try await bits(of: base, domains))]
        for adapter in adapters {
            let model = try await base.adapted(by: [adapter])
            rows.append(Row(name: adapter.name, bits: try await bits(of: model, domains)))
        }
        for (name, merge) in try merges(of: adapters, over: renamed) {
            complain("merging by \(name)")
            var unrounded = options
            unrounded.weightFormat = .float
            let model = try await NativeModel(checkpoint: merge, name: name, options: unrounded)
            rows.append(Row(name: name, bits: try await bits(of: model, domains)))
        }
        let layers = Set(renamed.tensors.compactMap { TensorModule(tensor: $0.name).layer }).count
        var learned: [(name: String, adapters: [LowRankAdapter])] = []
        let weights = try await learn(
            "weights",
            from: adapters.map { _ in 0.5 },
            step: 0.3,
            trials: trials,
            domains
        ) { (point) async throws(CollabError) in
            try await base.adapted(by: adapters, weights: point.map { Float($0) })
        }
        learned.append(("learned", try Self.weighted(adapters, weights, groups: 1, layers: layers)))
        if layeredTrials > 0 {
            let groups = max(1, groups)
            let layered = try await learn(
                "weights by layer",
                from: (0..<groups).flatMap { _ in weights },
                step: 0.15,
                trials: layeredTrials,
                domains
            ) { (point) async throws(CollabError) in
                try await base.adapted(
                    by: try Self.weighted(adapters, point, groups: groups, layers: layers)
                )
            }
            learned.append(
                ("learned by layer", try Self.weighted(adapters, layered, groups: groups, layers: layers))
            )
        }
        for (name, adapters) in learned {
            let model = try await base.adapted(by: adapters, name: name)
            rows.append(Row(name: name, bits: try await bits(of: model, domains)))
        }
        print(table(rows, domains))
        for (name, own) in learned { try await compare(base, adapters, name, own, domains) }
        if let json {
            try JSONEncoder().encode(rows).write(to: URL(fileURLWithPath: json), options: .atomic)
        }
    }

    /// Merges of the experts as whole models.
    private func merges(
        of adapters: [LowRankAdapter],
        over base: any Checkpoint
    ) throws -> [(String, any Checkpoint)] {
        let members = try adapters.map { try $0.applied(to: base) }
        let dare = Merge(.dare(base: base, density: 0.5, seed: seed)) { members }
        return [
            ("linear", Merge(.linear()) { members }),
            ("slerp", Merge(.slerp(t: 0.5)) { members }),
            ("task arithmetic", Merge(.taskArithmetic(base: base)) { members }),
            ("TIES", Merge(.ties(base: base, density: 0.5)) { members }),
            ("DARE", dare),
            ("Model Stock", Merge(.modelStock(base: base)) { members }),
        ]
    }

    func bits(
        of model: any LogitModel & TokenScoring,
        _ domains: [SkillDomain]
    ) async throws -> [[Double]] {
        complain("scoring \(model.name)")
        var all: [[Double]] = []
        for domain in domains { all.append(try await domain.bits(of: model)) }
        return all
    }

    private func table(_ rows: [Row], _ domains: [SkillDomain]) -> TextTable {
        var table = TextTable("bits a byte (95 %)", "arithmetic", "units", "ordinary")
        for row in rows {
            table.add(
                [row.name] + zip(domains, row.bits).map { interval($0.rate($1, seed: seed), 3) }
            )
        }
        return table
    }

    /// The numbers with which the mean of the domains' bits a byte is least, on every second passage.
    private func learn(
        _ name: String,
        from start: [Double],
        step: Double,
        trials: Int,
        _ domains: [SkillDomain],
        _ model: @escaping @Sendable ([Double]) async throws(CollabError) -> AdaptedNativeModel
    ) async throws -> [Double] {
        let known = domains.map { $0.half(0) }
        let search = try CovarianceSearch(
            from: start,
            step: step,
            bounds: SearchBounds(-0.5, 1.5),
            seed: seed
        )
        let report = { (progress: MergeSearch.Progress) in
            complain(
                "\(name), trial \(progress.trials) of \(progress.limit): best \(decimal(progress.best.loss, 4))"
            )
        }
        let objective: @Sendable ([Double]) async throws(CollabError) -> Double = {
            (point) async throws(CollabError) in
            try await Self.mix(try await model(point), known)
        }
        let run = MergeSearch(search, limit: trials)
        let outcome: MergeSearch.Outcome
        if let journal {
            let file = try SearchJournal(
                at: "\(journal)-\(name.split(separator: " ").joined(separator: "-")).jsonl"
            )
            outcome = try await run.run(journal: file, reporting: report, objective: objective)
        } else {
            outcome = try await run.run(reporting: report, objective: objective)
        }
        let numbers = outcome.best.point.map { decimal($0, 3) }.joined(separator: ", ")
        print("learned \(name): \(numbers) after \(outcome.trials.count) trials\n")
        return outcome.best.point
    }

    /// The adapters with a weight for each and each group of layers: those of the first group, then those of the next.
    private static func weighted(
        _ adapters: [LowRankAdapter],
        _ weights: [Double],
        groups: Int,
        layers: Int
    ) throws(CollabError) -> [LowRankAdapter] {
        var result: [LowRankAdapter] = []
        for (place, adapter) in adapters.enumerated() {
            let modules = adapter.modules.map { module in
                let group = MergeCandidates.layerGroup(of: module.path, layers: layers, groups: groups)
                var module = module
                module.scale *= Float(weights[group * adapters.count + place])
                return module
            }
            result.append(try LowRankAdapter(adapter.name, modules: modules, naming: adapter.naming))
        }
        return result
    }

    /// The mean over the domains of bits a byte.
    private static func mix(
        _ model: AdaptedNativeModel,
        _ domains: [SkillDomain]
    ) async throws(CollabError) -> Double {
        var sum = 0.0
        for domain in domains {
            sum += domain.rate(try await domain.bits(of: model), Array(domain.passages.indices))
        }
        return sum / Double(domains.count)
    }

    /// A learned merge against the uniform ones, on passages that none of them has seen.
    private func compare(
        _ base: NativeModel,
        _ adapters: [LowRankAdapter],
        _ name: String,
        _ learned: [LowRankAdapter],
        _ domains: [SkillDomain]
    ) async throws {
        let unseen = domains.map { $0.half(1) }
        func bits(_ adapters: [LowRankAdapter], _ weight: Float) async throws -> [[Double]] {
            let model = try await base.adapted(by: adapters, weights: adapters.map { _ in weight })
            var all: [[Double]] = []
            for domain in unseen { all.append(try await domain.bits(of: model)) }
            return all
        }
        let own = try await bits(learned, 1)
        print("\nthe mean of the domains on passages that were not learned from:")
        for (other, weight) in [("uniform, halves", Float(0.5)), ("uniform, whole", 1)] {
            let theirs = try await bits(adapters, weight)
            // Passages are drawn again domain by domain, the same ones for both merges.
            let count = unseen.map(\.passages.count).min() ?? 0
            let gain = ConfidenceInterval.bootstrap(count: count, seed: seed) { places in
                var sum = 0.0
                for (place, domain) in unseen.enumerated() {
                    sum += domain.rate(theirs[place], places) - domain.rate(own[place], places)
                }
                return sum / Double(unseen.count)
            }
            print(
                "  “\(name)” needs \(interval(gain, 4)) bits a byte less than \(other): "
                    + (gain.lower > 0 ? "better" : "not better for certain")
            )
        }
    }

    func complain(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
