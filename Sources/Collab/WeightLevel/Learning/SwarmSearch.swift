/// Model Swarms: models fly through the space of weights, drawn to what was best for each and for all of them.
///
/// S. Feng et al., *Model Swarms: Collaborative Search to Adapt LLM Experts via Swarm Intelligence*, 2024. Every number
/// that the method draws belongs to a whole model, so a swarm never leaves the space between its first members; a point
/// here is therefore a model's weights over those, and member i begins at weight 1 for itself:
///
/// v ← (r_v φ_v v + r_p φ_p (p − x) + r_g φ_g (g − x) + r_w φ_w (x − w)) / Σ r φ, x ← x + λ v, λ ← max(0.95 λ, 0.1)
///
/// with p the particle's best, g the swarm's best, w the swarm's worst, and r drawn evenly from 0…1. A particle that has
/// not become better in half the patience begins again from its best, with v = 0.
public struct SwarmSearch: ParameterSearch {
    /// How strongly a particle is drawn where.
    public struct Pulls: Hashable, Sendable, Codable {
        /// On in its direction, φ_v.
        public var inertia: Double
        /// To its own best, φ_p.
        public var own: Double
        /// To the best of all, φ_g.
        public var best: Double
        /// Away from the worst of all, φ_w.
        public var worst: Double

        /// Makes strengths; the defaults are the paper's.
        public init(inertia: Double = 0.4, own: Double = 0.3, best: Double = 0.3, worst: Double = 0.3) {
            (self.inertia, self.own, self.best, self.worst) = (inertia, own, best, worst)
        }
    }

    /// Model Swarms.
    public var name: String { "Model Swarms" }
    /// How many numbers a point has.
    public let dimension: Int
    private let pulls: Pulls
    private let patience: Int
    private var length: Double
    private var generator: SeededGenerator
    private var particles: [Particle]
    private var best: (point: [Double], loss: Double)?
    private var worst: (point: [Double], loss: Double)?
    private var isFirst = true
    private var roundsSinceBest = 0

    private struct Particle: Sendable {
        var point: [Double]
        var velocity: [Double]
        var best: [Double]
        var bestLoss = Double.infinity
        var roundsSinceBest = 0
    }

    /// Makes a swarm.
    ///
    /// - Parameters:
    ///   - memberCount: how many models are merged; each is a particle.
    ///   - size: how many particles fly; those beyond the models begin between two of them, at w a + (1 − w) b with w
    ///     drawn from 0…2.
    ///   - pulls: how strongly a particle is drawn where.
    ///   - length: λ at the beginning.
    ///   - patience: after how many rounds without a better best the swarm ends.
    ///   - seed: where chance begins.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for fewer than two models or no patience.
    public init(
        memberCount: Int,
        size: Int? = nil,
        pulls: Pulls = Pulls(),
        length: Double = 1,
        patience: Int = 10,
        seed: UInt64 = 0
    ) throws(CollabError) {
        guard memberCount > 1, patience > 0, length > 0, length.isFinite else {
            throw CollabError(
                .invalidRequest,
                "A swarm needs two models or more, patience and a length, not \(memberCount) models, a patience of "
                    + "\(patience) and a length of \(length)."
            )
        }
        dimension = memberCount
        self.pulls = pulls
        self.patience = patience
        self.length = length
        var generator = SeededGenerator(seed: seed)
        var points = (0..<memberCount).map { member in
            (0..<memberCount).map { $0 == member ? 1.0 : 0 }
        }
        while points.count < size ?? memberCount {
            let (a, b) = (
                Int.random(in: 0..<memberCount, using: &generator),
                Int.random(in: 0..<memberCount, using: &generator)
            )
            let weight = 2 * generator.nextUnit()
            points.append(zip(points[a], points[b]).map { weight * $0 + (1 - weight) * $1 })
        }
        // Everybody sets out towards somebody else.
        particles = points.indices.map { place in
            let other = (place + Int.random(in: 1..<points.count, using: &generator)) % points.count
            return Particle(
                point: points[place],
                velocity: zip(points[other], points[place]).map { $0 - $1 },
                best: points[place]
            )
        }
        self.generator = generator
    }

    /// Where every particle flies next.
    public mutating func nextPoints() -> [[Double]] {
        guard roundsSinceBest < patience else { return [] }
        if !isFirst { fly() }
        return particles.map(\.point)
    }

    private mutating func fly() {
        guard let best, let worst else { return }
        for place in particles.indices {
            var particle = particles[place]
            if 2 * particle.roundsSinceBest >= patience {
                particle.point = particle.best
                particle.velocity = Array(repeating: 0, count: dimension)
                particle.roundsSinceBest = 0
            }
            let shares = [pulls.inertia, pulls.own, pulls.best, pulls.worst].map {
                $0 * generator.nextUnit()
            }
            let sum = shares.reduce(0, +)
            if sum > 0 {
                for k in 0..<dimension {
                    let x = particle.point[k]
                    particle.velocity[k] =
                        (shares[0] * particle.velocity[k] + shares[1] * (particle.best[k] - x)
                            + shares[2] * (best.point[k] - x) + shares[3] * (x - worst.point[k])) / sum
                }
            }
            for k in 0..<dimension { particle.point[k] += length * particle.velocity[k] }
            particles[place] = particle
        }
        length = max(0.95 * length, 0.1)
    }

    /// Notes who has found something better.
    public mutating func learn(_ losses: [Double]) {
        precondition(losses.count == particles.count)
        isFirst = false
        var isBetter = false
        for (place, loss) in losses.enumerated() {
            if loss < particles[place].bestLoss {
                particles[place].bestLoss = loss
                particles[place].best = particles[place].point
                particles[place].roundsSinceBest = 0
            } else {
                particles[place].roundsSinceBest += 1
            }
            if loss < best?.loss ?? .infinity {
                best = (particles[place].point, loss)
                isBetter = true
            }
            if loss > worst?.loss ?? -.infinity { worst = (particles[place].point, loss) }
        }
        roundsSinceBest = isBetter ? 0 : roundsSinceBest + 1
    }
}
