import Bridge
import BridgeModel
import Foundation
import Logging
import StoragePlane
import Testing

@Suite struct CommitGroupTests {
    @Test func transactionsThatFailLeaveTheOthersOfTheirGroup() async throws {
        let folder = try DataFolder()
        let ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: .silent)
        let outcomes = await withTaskGroup(of: (Int, Bool).self) { group in
            for index in 0..<200 {
                group.addTask {
                    // Every tenth refers to a recording that is not there, which shows at the end of the transaction only.
                    let upload = Rows.upload("upl_\(index)", of: "nowhere", to: .keep)
                    let changes: [LedgerChange] = [.session(Rows.session("s\(index)"))] + (index % 10 == 0 ? [.delivery(upload)] : [])
                    return (index, (try? await ledger.commit(changes)) != nil)
                }
            }
            return await group.reduce(into: [Int: Bool]()) { $0[$1.0] = $1.1 }
        }
        for index in 0..<200 {
            #expect(outcomes[index] == (index % 10 != 0), "\(index)")
            #expect(try await (ledger.session(SessionID("s\(index)")) != nil) == (index % 10 != 0), "\(index)")
        }
    }
}
