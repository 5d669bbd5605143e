import Collab
import Testing

@testable import CollabRouting

@Suite("Learning by Adam")
struct AdamTests {
    /// A loss that falls evenly along every parameter.
    private struct Slope: BatchObjective {
        var exampleCount: Int { 4 }
        func loss(
            _ parameters: [Float],
            on batch: ArraySlice<Int>,
            slope: inout [Float],
            _ generator: inout SeededGenerator?
        ) -> Double {
            slope[0] += 3
            slope[1] -= 0.25
            return Double(3 * parameters[0] - 0.25 * parameters[1])
        }
    }

    @Test("takes steps as long as the rate while the slope stays the same: both means are corrected")
    func constantSlope() throws {
        let settings = AdamSettings(rate: 0.01, batch: 4, epochs: 5)
        let found = try settings.minimize(Slope(), from: [1, -2], seed: 1) { _ in }
        #expect(abs(found[0] - 0.95) < 1e-5 && abs(found[1] + 1.95) < 1e-5)
    }
}
