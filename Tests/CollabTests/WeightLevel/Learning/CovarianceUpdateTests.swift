import Foundation
import Testing

@testable import Collab

@Suite("What CMA-ES learns of a round")
struct CovarianceUpdateTests {
    /// Table 1 of Hansen's tutorial, by hand: the first round, where C is the unit matrix and all paths are 0.
    @Test("is the tutorial's covariance of one path and of several steps", arguments: [2, 5, 9])
    func firstRound(_ dimension: Int) throws {
        let (n, step) = (Double(dimension), 0.5)
        let start = [Double](repeating: 0, count: dimension)
        var search = try CovarianceSearch(from: start, step: step, seed: 11)
        let points = search.nextPoints()
        let losses = points.map(CovarianceSearchTests.ellipsoid)
        search.learn(losses)
        let logarithms = (1...points.count / 2).map { log(Double(points.count + 1) / 2) - log(Double($0)) }
        let sum = logarithms.reduce(0, +)
        let weights = logarithms.map { $0 / sum }
        let effective = 1 / weights.map { $0 * $0 }.reduce(0, +)
        let one = 2 / (pow(n + 1.3, 2) + effective)
        let several = min(1 - one, 2 * (effective - 2 + 1 / effective) / (pow(n + 2, 2) + effective))
        let pathRate = (4 + effective / n) / (n + 4 + 2 * effective / n)
        let steps = points.indices.sorted { losses[$0] < losses[$1] }.prefix(weights.count).map { best in
            points[best].map { $0 / step }
        }
        let move = start.indices.map { place in
            zip(weights, steps).map { $0 * $1[place] }.reduce(0, +)
        }
        let length = move.map { $0 * $0 }.reduce(0, +).squareRoot()
        let expected = n.squareRoot() * (1 - 1 / (4 * n) + 1 / (21 * n * n))
        // |pσ| over its length after one round, √(1 − (1 − cσ)²), is √μ_eff |move|.
        let isShort = effective.squareRoot() * length < (1.4 + 2 / (n + 1)) * expected
        let missing = isShort ? 0 : pathRate * (2 - pathRate)
        let path = move.map { isShort ? (pathRate * (2 - pathRate) * effective).squareRoot() * $0 : 0 }
        #expect(several > 0.01)
        for row in 0..<dimension {
            for column in 0..<dimension {
                var wanted = row == column ? 1 - one - several + one * missing : 0
                wanted += one * path[row] * path[column]
                for (weight, step) in zip(weights, steps) {
                    wanted += several * weight * step[row] * step[column]
                }
                #expect(abs(search.covariance[row * dimension + column] - wanted) < 1e-12)
            }
        }
    }
}
