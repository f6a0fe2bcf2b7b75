"""What every `Directory` promises. Subclass `DirectoryContract` and override the fixture `directory`."""

from tests.contracts.directory_circles import CirclesContract
from tests.contracts.directory_due import DueContract
from tests.contracts.directory_editing import EditingContract
from tests.contracts.directory_events import EventsContract
from tests.contracts.directory_files import FilesContract
from tests.contracts.directory_guard import GuardContract
from tests.contracts.directory_hooks import HooksContract
from tests.contracts.directory_photos import PhotosContract
from tests.contracts.directory_records import RecordsContract
from tests.contracts.directory_rules import RulesContract
from tests.contracts.directory_scheduled import ScheduledContract
from tests.contracts.directory_scim import ScimContract
from tests.contracts.directory_sources import SourcesContract
from tests.contracts.directory_statistics import StatisticsContract
from tests.contracts.directory_transactions import TransactionsContract
from tests.contracts.directory_users import UsersContract
from tests.contracts.directory_website import WebsiteContract


class DirectoryContract(
    TransactionsContract,
    UsersContract,
    CirclesContract,
    DueContract,
    RecordsContract,
    GuardContract,
    FilesContract,
    PhotosContract,
    SourcesContract,
    HooksContract,
    ScheduledContract,
    RulesContract,
    EventsContract,
    ScimContract,
    WebsiteContract,
    EditingContract,
    StatisticsContract,
):
    pass
