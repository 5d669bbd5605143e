import Collab
import CollabTesting
import Testing

@testable import CollabBackends

@Suite("Prices")
struct PriceTableTests {
    private let text = #"""
        {"schema": "collab.prices/1", "currency": "EUR", "updated": "2026-11-01", "models": {
          "large-2": {"input": 2.5, "cached_input": 0.25, "cache_write": 3.125, "output": 10, "reasoning": 12},
          "small-*": {"input": 0.1, "output": 0.4}, "small-1-*": {"input": 0.2, "output": 0.8}}}
        """#

    @Test("are found by the whole name, then by the longest beginning")
    func lookup() throws {
        let table = try PriceTable(parsing: text)
        #expect(table.currency == "EUR" && table.updated == "2026-11-01")
        #expect(table.price(of: "large-2")?.cacheWritePerMillion == 3.125)
        #expect(table.price(of: "large-20") == nil)
        #expect(table.price(of: "small-2")?.promptPerMillion == 0.1)
        #expect(table.price(of: "small-1-mini")?.promptPerMillion == 0.2)
        let own = try PriceTable(["small-*": .free, "x": Price(promptPerMillion: 1, completionPerMillion: 1)])
        let both = table.overridden(by: own)
        #expect(both.price(of: "small-2") == .free)
        #expect(both.price(of: "small-1-mini")?.promptPerMillion == 0.2)
        #expect(both.price(of: "x")?.promptPerMillion == 1)
    }

    @Test("charge each kind of token at its own rate, exactly")
    func exact() throws {
        let price = try #require(try PriceTable(parsing: text).price(of: "large-2"))
        let usage = Usage(
            promptTokens: 1000,
            cachedTokens: 600,
            cacheWriteTokens: 100,
            completionTokens: 50,
            reasoningTokens: 20
        )
        // 300 × 2.5 + 600 × 0.25 + 100 × 3.125 + 30 × 10 + 20 × 12 = 1752.5 millionths.
        #expect(price.cost(of: usage) == Money(billionths: 1_752_500))
        // A tenth is no binary fraction; ten million tokens of it are one unit to the last billionth.
        let tenth = Price(promptPerMillion: 0.1, completionPerMillion: 0)
        let one = tenth.cost(of: Usage(promptTokens: 1))
        #expect((0..<10_000).reduce(Money.zero) { sum, _ in sum + one } == Money(billionths: 1_000_000))
        #expect(tenth.cost(of: Usage(promptTokens: 10_000_000)) == Money(1))
        #expect(tenth.cost(of: Usage(promptTokens: .max)) == Money(billionths: .max))
        #expect(price.cost(of: Usage(promptTokens: 1, cachedTokens: 9, completionTokens: -4)) >= .zero)
    }

    @Test(
        "that are misspelt, negative or no numbers are refused by name",
        arguments: [
            #"{"models": {}}"#, #"{"schema": "collab.prices/1"}"#,
            #"{"schema": "collab.prices/1", "models": {}, "x": 1}"#,
            #"{"schema": "collab.prices/1", "models": {"m": {"input": 1}}}"#,
            #"{"schema": "collab.prices/1", "models": {"m": {"input": -1, "output": 1}}}"#,
            #"{"schema": "collab.prices/1", "models": {"m": {"input": "1", "output": 1}}}"#,
            #"{"schema": "collab.prices/1", "models": {"m": {"input": 1, "output": 1, "cached": 1}}}"#,
            #"{"schema": "collab.prices/1", "models": {"m": 1}}"#, "[", "",
        ]
    )
    func malformed(text: String) {
        let error = #expect(throws: CollabError.self) { try PriceTable(parsing: text) }
        #expect(error?.code == .malformedFile)
    }

    @Test("that nobody knows are counted, and a budget of money refuses such a call before it is made")
    func unknown() async throws {
        let server = try FaultServer.running()
        let id = FaultServer.makeID()
        let model = try RemoteModel.faulty("ok", id: id, on: server)
        let open = try await model.respond(to: "hi")
        #expect(open.usage.unpricedCalls == 1)
        #expect(open.trace?.description.contains("cost unknown") == true)
        let error = await #expect(throws: CollabError.self) {
            try await model.respond(to: "hi", in: Run(budget: .cost(Money(1))))
        }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("price") == true)
        #expect(try await server.statistics(id).requests == 1)
        let lenient = Run(budget: Budget(cost: Money(1), allowsUnpricedCalls: true))
        #expect(try await model.respond(to: "hi", in: lenient).usage.unpricedCalls == 1)
        // A price of the modifier's counts, and so does one of a table.
        let priced = model.priced(Price(promptPerMillion: 1, completionPerMillion: 1))
        let answer = try await priced.respond(to: "hi", in: Run(budget: .cost(Money(1))))
        #expect(answer.usage.unpricedCalls == 0)
        #expect(answer.usage.cost > .zero)
        let table = try PriceTable(["fault-*": Price(promptPerMillion: 1, completionPerMillion: 1)])
        let listed = try RemoteModel.faulty("ok", id: id, on: server) { $0.prices = table }
        #expect(try await listed.respond(to: "hi", in: Run(budget: .cost(Money(1)))).usage.cost > .zero)
    }
}
