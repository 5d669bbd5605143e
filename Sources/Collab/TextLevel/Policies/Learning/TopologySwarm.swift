/// Learns who should hear whom by a swarm of candidates that move towards the best ones found (particle swarm).
///
/// Feng et al. 2025, “Heterogeneous Swarms”: each particle is a matrix over pairs of members; it keeps some of its velocity
/// and is drawn to the best place that it has seen, to the best that any has seen, and away from the worst, in steps that
/// shrink. Their defaults: five particles, five iterations, inertia 0.2, cognitive 0.3, social 0.4, repulsion 0.05, step
/// 0.5 · 0.95 per iteration, patience five.
///
/// Deviations: a pair hears each other where its value is above one half, instead of a walk that makes an acyclic graph,
/// since members speak in rounds; the first particle begins as the complete graph, so that what is learned is never worse.
/// Evaluations: at most particles · (iterations + 1).
public struct TopologySwarm: Hashable, Sendable, Codable {
    /// How many candidates there are.
    public var particles: Int
    /// How often they move.
    public var iterations: Int
    /// How much of its velocity a particle keeps.
    public var inertia: Double
    /// The pull of the best place that a particle has seen.
    public var cognitive: Double
    /// The pull of the best place that any has seen.
    public var social: Double
    /// The push away from the worst place that any has seen.
    public var repulsion: Double
    /// How far particles move at first.
    public var step: Double
    /// What a step is multiplied by after each iteration.
    public var decay: Double
    /// After how many iterations without a better place the search ends.
    public var patience: Int
    /// The seed of the draws.
    public var seed: UInt64

    /// Makes a way to learn.
    public init(
        particles: Int = 5,
        iterations: Int = 5,
        inertia: Double = 0.2,
        cognitive: Double = 0.3,
        social: Double = 0.4,
        repulsion: Double = 0.05,
        step: Double = 0.5,
        decay: Double = 0.95,
        patience: Int = 5,
        seed: UInt64 = 0
    ) {
        self.particles = particles
        self.iterations = iterations
        self.inertia = inertia
        self.cognitive = cognitive
        self.social = social
        self.repulsion = repulsion
        self.step = step
        self.decay = decay
        self.patience = patience
        self.seed = seed
    }

    private struct Particle {
        var place: PairMatrix
        var velocity: [Double]
        var best: PairMatrix
        var quality: Double
    }

    /// Learns a topology for so many members.
    ///
    /// Throws what the evaluation throws; ``CollabError/Code/invalidRequest`` for fewer than two members or no particle.
    public func learn(
        for members: Int,
        evaluating evaluate: @escaping TopologyEvaluation
    ) async throws(CollabError) -> LearnedTopology {
        guard members > 1, particles >= 1, iterations >= 0 else {
            throw CollabError(
                .invalidRequest,
                "A topology is learned for two members or more, by a particle or more; not for \(members) by \(particles)."
            )
        }
        var generator = SeededGenerator(seed: seed)
        var swarm: [Particle] = []
        var best: Particle?
        var worst: Particle?
        for number in 0..<particles {
            var place = PairMatrix(count: members, repeating: 1)
            if number > 0 { for pair in place.pairs { place.values[pair] = generator.nextUnit() } }
            let quality = try await evaluated(Self.topology(place), by: evaluate)
            let velocity = place.values.map { _ in generator.nextUnit() - 0.5 }
            let particle = Particle(place: place, velocity: velocity, best: place, quality: quality)
            swarm.append(particle)
            if quality > best?.quality ?? -.infinity { best = particle }
            if quality < worst?.quality ?? .infinity { worst = particle }
        }
        guard var best, var worst else { throw CollabError(.invalidRequest, "A swarm needs a particle.") }
        var (history, evaluations, idle, step) = ([best.quality], particles, 0, self.step)
        for _ in 0..<iterations where idle < patience {
            idle += 1
            for index in swarm.indices {
                move(&swarm[index], step, towards: best.place, awayFrom: worst.place, &generator)
                let quality = try await evaluated(Self.topology(swarm[index].place), by: evaluate)
                evaluations += 1
                if quality > swarm[index].quality {
                    (swarm[index].best, swarm[index].quality) = (swarm[index].place, quality)
                }
                if quality > best.quality {
                    (best.place, best.quality, idle) = (swarm[index].place, quality, 0)
                }
                if quality < worst.quality { (worst.place, worst.quality) = (swarm[index].place, quality) }
            }
            history.append(best.quality)
            step *= decay
        }
        return LearnedTopology(
            topology: Self.topology(best.place),
            quality: best.quality,
            history: history,
            evaluations: evaluations
        )
    }

    private static func topology(_ place: PairMatrix) -> Topology {
        place.topology { place.values[$0] > 0.5 }
    }

    private func move(
        _ particle: inout Particle,
        _ step: Double,
        towards best: PairMatrix,
        awayFrom worst: PairMatrix,
        _ generator: inout SeededGenerator
    ) {
        // The weights are drawn anew for each move and sum to one, as in the reference.
        let draws = [inertia, cognitive, social, repulsion].map { $0 * generator.nextUnit() }
        let total = max(draws.reduce(0, +), 1e-12)
        for pair in particle.place.pairs {
            let here = particle.place.values[pair]
            let pull =
                draws[0] * particle.velocity[pair] + draws[1] * (particle.best.values[pair] - here)
                + draws[2] * (best.values[pair] - here) - draws[3] * (worst.values[pair] - here)
            particle.velocity[pair] = pull / total
            particle.place.values[pair] = here + step * particle.velocity[pair]
        }
    }
}
